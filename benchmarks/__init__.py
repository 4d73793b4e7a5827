"""Measurements: ratios in one run against something a user knows."""
