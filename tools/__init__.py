"""Maintainers' commands. Run as scripts."""
