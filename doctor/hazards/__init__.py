"""What a program's code does with models: read, never run, never imported."""
