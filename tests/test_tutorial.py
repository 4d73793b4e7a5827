"""docs/tutorial.md, followed to the letter in a real environment: what it shows is what one sees."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_action import ROOT

_BLOCK = re.compile(r"^```(python|diff|console)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.mark.skipif(sys.platform == "win32", reason="doctor is put on PATH as a shell script")
def test_the_tutorial_is_true(current_stack: Path, tmp_path: Path) -> None:
    """Three imports of torch, which is what it takes to see a load fail, and no longer fail."""
    program = tmp_path / "serve.py"
    scripts = tmp_path / "bin"
    scripts.mkdir()
    (scripts / "doctor").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m doctor "$@"\n')
    (scripts / "doctor").chmod(0o755)
    path = os.pathsep.join((str(scripts), str(current_stack / "bin"), os.environ["PATH"]))
    variables = {"PATH": path, "HOME": str(tmp_path), "VIRTUAL_ENV": str(current_stack), "COLUMNS": "80", "PYTHONPATH": str(ROOT)}
    ran = 0
    for kind, block in _BLOCK.findall((ROOT / "docs" / "tutorial.md").read_text("utf-8")):
        if kind == "python":
            program.write_text(block)
        elif kind == "diff":
            gone, *new = [line[1:] for line in block.splitlines()]
            assert gone in program.read_text().splitlines()
            program.write_text(program.read_text().replace(f"{gone}\n", "".join(f"{each}\n" for each in new)))
        else:
            command, *expected = block.splitlines()
            done = subprocess.run(
                shlex.split(command.removeprefix("$ ")), cwd=tmp_path, env=variables, capture_output=True, text=True, check=False, timeout=300
            )
            said = " ".join((done.stdout + done.stderr).split())
            at = 0
            for line in expected:
                found = said.find(" ".join(line.split()), at)
                assert found >= 0, f"{command}\n{line}\n{done.stdout}\n{done.stderr}"
                at = found
            ran += 1
    assert ran == 3
