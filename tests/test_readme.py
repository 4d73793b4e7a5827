"""What README and docs show is what the command prints."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tools.regenerate import CAUSES, PAGES, README, causes_page, command_output, needs_stack, shown_blocks, without_machine_facts

TEXT = README.read_text("utf-8")
BLOCKS = {command: output for page in PAGES for command, output in shown_blocks(page.read_text("utf-8")).items()}


@pytest.mark.parametrize("command", sorted(BLOCKS))
def test_the_output_shown_is_the_output(command: str, request: pytest.FixtureRequest) -> None:
    """After a change: python tools/regenerate.py STACK."""
    stack: Path | None = request.getfixturevalue("old_stack") if needs_stack(command) else None
    shown, printed = BLOCKS[command], command_output(command, stack)
    if sys.version_info < (3, 11):
        shown, printed = without_upgrades(shown), without_upgrades(printed)
    assert without_machine_facts(shown) == without_machine_facts(printed)


def without_upgrades(text: str) -> str:
    """The paragraphs that name no newest release: that of transformers does not run on Python 3.10."""
    return "\n\n".join(each for each in text.split("\n\n") if "(the newest)" not in each)


def test_the_readme_shows_a_real_report() -> None:
    assert {"doctor", "doctor check --help"} <= BLOCKS.keys()
    assert len(TEXT.splitlines()) < 150


def test_the_list_of_causes_is_the_matrixs() -> None:
    assert CAUSES.read_text("utf-8") == causes_page()


def test_the_python_example_runs(old_stack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    with pytest.raises(SystemExit) as ended:
        exec(compile(example.replace("path/to/.venv", str(old_stack)), "README.md", "exec"), {})
    assert ended.value.code == 1
    assert "upgrade accelerate 1.0.1 to 1.15.0" in capsys.readouterr().out
