"""Many ranks and nodes: what each said of itself, put together in memory that does not grow with their number."""
