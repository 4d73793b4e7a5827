"""Tests of running a program unchanged."""
