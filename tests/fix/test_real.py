"""doctor fix on a real stack: real releases of an index, and the reproducers before and after."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import jsonschema

from doctor.reports.json import published_schemas
from tests.conftest import Doctor


def linked(stack: Path, home: Path) -> Path:
    """A stack of our own: the files of a shared one, which an installer replaces and never writes into."""

    def link(source: str, target: str) -> None:
        try:
            os.link(source, target)
        except OSError:
            shutil.copy2(source, target)

    return Path(shutil.copytree(stack, home, symlinks=True, copy_function=link))


def freeze(home: Path) -> bytes:
    return subprocess.run([home / "bin/python", "-m", "pip", "freeze"], check=True, capture_output=True).stdout


def test_what_was_reproduced_is_not_any_more_and_comes_back_byte_for_byte(doctor: Doctor, old_stack: Path, tmp_path: Path) -> None:
    home = linked(old_stack, tmp_path / "project" / ".venv")
    before, shared = freeze(home), freeze(old_stack)
    ran = doctor("fix", "--only", "MT050", "--yes", "--format", "json", "--python", home, seconds=600)
    report = ran.json
    jsonschema.validate(report, json.loads(published_schemas()["fix.schema.json"]))
    assert report["outcome"] == "cured", ran.out
    assert [(each["id"], each["before"], each["after"]) for each in report["targets"]] == [("MT050", "reproduced", "not reproduced")]
    (step,) = report["steps"]
    assert (step["package"], step["from"], step["to"]) == ("accelerate", "1.0.1", "1.15.0")
    assert step["download"] > 100_000
    assert freeze(home) == before.replace(b"accelerate==1.0.1", b"accelerate==1.15.0")
    assert doctor("fix", "--undo", "--python", home, seconds=600).code == 0
    assert freeze(home) == before
    assert freeze(old_stack) == shared
    with contextlib.suppress(OSError):
        shutil.rmtree(home)
