"""The one family of errors a user can cause: each says what, where and the remedy, and ends the command with exit code 2."""

from __future__ import annotations


class DoctorError(Exception):
    """Could not do what was asked. `str()` is complete: one line or more, each fit to stand alone on stderr."""
