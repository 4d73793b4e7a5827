"""What a shell completes, and the examples that `--help` shows."""

from __future__ import annotations

import argparse
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import shtab

from doctor.commands.completion import SHELLS
from doctor.commands.parser import parser_of, parsers_in
from tests.conftest import Doctor


def test_every_shell_that_can_be_written_for_is_named() -> None:
    assert set(SHELLS) == set(shtab.SUPPORTED_SHELLS)


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (("ex",), "explain"),
        (("check", "--form"), "--format"),
        (("check", "--format", "sar"), "sarif"),
        (("matrix", "exp"), "export"),
        (("explain", "iss"), "issue.txt"),
    ],
)
def test_bash_completes(doctor: Doctor, tmp_path: Path, typed: tuple[str, ...], offered: str) -> None:
    (tmp_path / "issue.txt").touch()
    script = doctor("--print-completion", "bash").out
    ask = f'COMP_WORDS=({shlex.join(("doctor", *typed))}) COMP_CWORD={len(typed)}; _shtab_doctor; printf "%s\\n" "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-c", f"{script}\n{ask}"], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert offered in done.stdout.split(), done.stderr


@pytest.mark.parametrize("shell", ["zsh", "fish", "tcsh", "powershell"])
def test_the_others_are_written(doctor: Doctor, shell: str) -> None:
    ran = doctor("--print-completion", shell)
    assert (ran.code, ran.err) == (0, "")
    assert "explain" in ran.out


def _examples(parser: argparse.ArgumentParser) -> list[list[str]]:
    lines = (parser.epilog or "").partition("examples:\n")[2].partition("\n\n")[0].splitlines()
    return [shlex.split(each, comments=True) for each in lines if "COMMAND" not in each]


@pytest.mark.parametrize("parser", parsers_in(parser_of("--help")), ids=lambda each: each.prog)
def test_every_help_has_examples_that_can_be_typed(parser: argparse.ArgumentParser) -> None:
    examples = _examples(parser)
    assert examples
    assert max(map(len, (parser.epilog or "").splitlines())) <= 80
    for name, *arguments in examples:
        assert name == "doctor"
        if arguments:
            assert callable(parser_of(arguments[0]).parse_args(arguments).run)
