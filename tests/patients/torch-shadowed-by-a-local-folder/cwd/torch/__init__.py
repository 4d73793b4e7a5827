"""Somebody's own torch experiments."""
