"""The one family of errors a user can cause: each says what, where and the remedy, and ends the command with exit code 2."""

from __future__ import annotations


class DoctorError(Exception):
    """Could not do what was asked. `str()` is complete, and fit to stand alone on stderr."""

    @property
    def lines(self) -> tuple[str, ...]:
        """What is said of it, a line each. A file's name in one of them may hold anything, a line break as well."""
        return (str(self),)
