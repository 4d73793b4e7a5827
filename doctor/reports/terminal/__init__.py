"""What a person at a terminal sees, one file for each document."""
