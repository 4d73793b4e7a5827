"""The reports that ranks wrote, read one after another. Of what many say alike one object is kept, and little of the rest."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from glob import iglob
from pathlib import Path
from typing import Any

from doctor.errors import DoctorError
from doctor.facts.environment import Disk, Memory
from doctor.facts.seen import CheckpointSeen
from doctor.files import read_file
from doctor.fleet.rank import NoReport, RankReport, Shared, common_variables, shared_by
from doctor.knowledge import schema
from doctor.readers.attachment import MAX_CHARACTERS, SCHEMA_VERSIONS, environment_in_attachment

_MOST_KEPT = 1000
"""Of different environments; what comes after so many is read anew each time."""
_VOLATILE = ("memory", "disk", "variables", "accelerators")
_FSDP_SETTING = re.compile(r"'(?:fsdp_)?(version|cpu_ram_efficient_loading|sync_module_states|offload_params)': '?(\w{1,20})")
"""In the configuration as a report has it, Python's words for a mapping; accelerate takes the keys with `fsdp_` before them and without."""
_ENDINGS = (".json", ".md", ".html", ".txt")


def report_files(place: str) -> Iterator[Path]:
    """The files that a folder or a pattern names, in no order. Raises `DoctorError` for a folder that cannot be listed."""
    if not os.path.isdir(place):
        yield from (Path(each) for each in iglob(place, recursive=True) if os.path.isfile(each))
        return
    try:
        with os.scandir(place) as entries:
            for each in entries:
                if each.name.endswith(_ENDINGS) and not each.name.startswith("."):
                    yield Path(each.path)
    except OSError as error:
        raise DoctorError(f"--reports {place}: cannot be read: {error.strerror}") from None


def label_of(file: Path) -> str:
    """What the rank is called that wrote the file: by its name without its ending; a mere number is a rank's."""
    stem = file.name.partition(".")[0] or file.name
    return f"rank {int(stem)}" if stem.isascii() and stem.isdecimal() and len(stem) < 10 else stem


class ReportReader:
    """Reads reports, and keeps what many say alike."""

    def __init__(self) -> None:
        self._known: dict[bytes, Shared] = {}

    def read(self, file: Path) -> RankReport | NoReport:
        """What a file says. Whatever is wrong with it is what is known of the rank, and never raised."""
        label = label_of(file)
        try:
            content = read_file(file, MAX_CHARACTERS)
        except OSError as error:
            return NoReport(label, f"its report cannot be read: {error.strerror}")
        return self.understood(label, content)

    def understood(self, label: str, content: bytes) -> RankReport | NoReport:
        """What a report says that was read already."""
        if not content.strip():
            return NoReport(label, "its report is empty")
        try:
            document = json.loads(content)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            return self._otherwise(label, content)
        environment = document.get("environment")
        if not isinstance(environment, dict) or "doctor_version" not in document or document.get("schema_version") not in SCHEMA_VERSIONS:
            return self._otherwise(label, content, document)
        memory, disk, variables = environment.get("memory"), environment.get("disk"), environment.get("variables") or {}
        if not (_whole(Memory, memory) and _whole(Disk, disk) and _whole(Mapping[str, str], variables)):
            return self._otherwise(label, content, document)
        key = _key(document, environment)
        if key not in self._known:
            found = self._otherwise(label, content, document)
            if isinstance(found, RankReport) and len(self._known) < _MOST_KEPT:
                self._known[key] = found.shared
            return found
        return RankReport(label, self._known[key], variables, schema.construct(Memory, memory), schema.construct(Disk, disk))

    def _otherwise(self, label: str, content: bytes, document: Mapping[str, Any] | None = None) -> RankReport | NoReport:
        """By the reader of any report, which tells what is wrong with one. `document` is the JSON that it is, where it is."""
        text = content.decode("utf-8", "replace")
        try:
            environment = environment_in_attachment(text, "its report")
        except DoctorError as error:
            return NoReport(label, str(error))
        if environment is None:
            cut = text.lstrip().startswith("{") and document is None
            return NoReport(label, "its report is cut short" if cut else "its file holds no report of doctor's")
        checkpoint = (document or {}).get("checkpoint")
        if any(schema.mismatches(CheckpointSeen, checkpoint)):
            checkpoint = None
        seen = schema.construct(CheckpointSeen, checkpoint) if checkpoint is not None else None
        shared = shared_by(environment, seen, _configured((document or {}).get("accelerate_config")))
        return RankReport(label, shared, environment.variables, environment.memory, environment.disk)


def _key(document: Mapping[str, Any], environment: Mapping[str, Any]) -> bytes:
    """Of what reports have to say alike to be read as one."""
    accelerators = [{**each, "memory_free": None} if isinstance(each, dict) else each for each in environment.get("accelerators") or ()]
    rest = {name: value for name, value in environment.items() if name not in _VOLATILE}
    said = [rest, common_variables(environment["variables"]), accelerators, document.get("checkpoint"), document.get("accelerate_config")]
    return hashlib.blake2b(json.dumps(said).encode(), digest_size=16).digest()


def _whole(kind: Any, data: Any) -> bool:
    if any(schema.mismatches(kind, data)):
        return False
    return all(not isinstance(each, int) or each >= 0 for each in data.values())


def _configured(config: Any) -> Mapping[str, str]:
    """What of its configuration `accelerate launch` makes variables of that bear on loading (its `commands/launch.py` and `utils/launch.py`)."""
    kind = str(config.get("distributed_type")) if isinstance(config, dict) else ""
    if "DEEPSPEED" in kind:
        return {"ACCELERATE_USE_DEEPSPEED": "true"}
    if "FSDP" not in kind:
        return {}
    settings = _FSDP_SETTING.findall(str(config.get("fsdp_config")))
    return {"ACCELERATE_USE_FSDP": "true", **{f"FSDP_{name.upper()}": value.lower() for name, value in settings}}
