"""Choosing what to upgrade, and saying it as a command."""
