"""What a project says of `doctor check` in its pyproject.toml: the table `[tool.meta-tensor-doctor]`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from doctor.errors import DoctorError
from doctor.facts.frozen import Frozen
from doctor.files import read_beginning
from doctor.knowledge import schema

FILE = "pyproject.toml"
TABLE = "meta-tensor-doctor"
_MOST_BYTES = 4 * 1024 * 1024


class Settings(Frozen):
    """The table, as far as it says anything; the command line adds to it, and its own PROGRAM and --baseline stand in its place."""

    paths: tuple[str, ...] = ()
    """The programs that are read where none is named."""
    exclude: tuple[str, ...] = ()
    """Patterns (fnmatch) for files and folders that are not read."""
    ignore: tuple[str, ...] = ()
    """Ids and slugs of findings that do not count."""
    baseline: str | None = None


def project_settings() -> Settings:
    """The settings of the project in the current folder; none where it says nothing. Raises `DoctorError` for what cannot be understood."""
    try:
        content = read_beginning(Path(FILE), _MOST_BYTES)
    except OSError:
        return Settings()
    if TABLE.encode() not in content:
        return Settings()
    table = _table(content)
    faults = list(schema.mismatches(Settings, table))
    if faults:
        raise DoctorError(f"{FILE}: tool.{TABLE}.{schema.dotted(faults[0].path)}: {faults[0].message}")
    settings: Settings = schema.construct(Settings, table)
    missing = [each for each in settings.paths if not os.path.exists(each)]
    if missing:
        raise DoctorError(f"{FILE}: tool.{TABLE}.paths: {missing[0]} is not there")
    return settings


def _table(content: bytes) -> Any:
    if sys.version_info < (3, 11):
        raise DoctorError(f"{FILE}: tool.{TABLE} is read by Python 3.11 and later only: give the options on the command line")
    import tomllib

    try:
        return tomllib.loads(content.decode("utf-8")).get("tool", {}).get(TABLE, {})
    except (ValueError, RecursionError, AttributeError) as error:
        raise DoctorError(f"{FILE}: cannot be read: {' '.join(str(error).split())[:200]}") from None
