"""What a checkpoint says without being loaded: its configuration and the headers of its files. No weight is read, no code run."""
