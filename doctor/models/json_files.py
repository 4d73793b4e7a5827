"""JSON that lies beside a model: read to a bound, and an object or an error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from doctor.errors import DoctorError
from doctor.files import read_file

MOST_BYTES = 32 * 1024 * 1024
"""Of a configuration, an index or the header of a safetensors file. The longest header of a published model is a tenth of it."""


def read_object(path: str) -> Mapping[str, Any]:
    """The JSON object in a file. Raises `DoctorError` when it cannot be read, is none, or is longer than `MOST_BYTES`."""
    try:
        content = read_file(Path(path), MOST_BYTES)
    except OSError as error:
        raise DoctorError(f"{path}: cannot be read: {error.strerror}") from None
    return parsed_object(path, content)


def parsed_object(path: str, content: bytes) -> Mapping[str, Any]:
    """The JSON object that `content` is. Raises `DoctorError`, naming `path`, when it is none."""
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        raise DoctorError(f"{path}: not JSON, or cut short") from None
    if not isinstance(data, dict):
        raise DoctorError(f"{path}: expected a JSON object")
    return data
