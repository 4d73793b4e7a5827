"""Run `doctor fix` on real stacks from a real index, and undo it: what docs/fix.md says was measured with this.

    python -m tools.fix_stacks FOLDER [--kills N] [NAME ...]

Each stack of `STACKS` is made in FOLDER, which must be on one file system (files are linked), and removed after. With --kills, doctor is
also killed at N random instants of a fix, spread over the stacks that are marked for it, each time followed by what a person would do.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import uv

_SECONDS = 3600


@dataclass(frozen=True)
class Stack:
    """An environment that has something."""

    name: str
    installer: Literal["pip", "uv"]
    requirements: tuple[str, ...]
    only: tuple[str, ...] = ()
    """Ids to be cured; empty for what concerns the environment."""
    options: tuple[str, ...] = ()


STACKS = (
    Stack("undeclared-floor-4.45", "pip", ("transformers==4.46.3", "accelerate==0.21.0")),
    Stack("undeclared-floor-5.0", "uv", ("transformers==5.3.0", "accelerate==0.34.2")),
    Stack("imports-newer-accelerate", "pip", ("transformers==5.0.0", "accelerate==1.1.0")),
    Stack("tied-pair-on-disk", "uv", ("transformers==4.46.3", "accelerate==1.0.1"), ("MT050",)),
    Stack("two-packages", "pip", ("transformers==4.46.3", "accelerate==1.0.1"), ("MT050", "MT141")),
    Stack("wrong-tensor-on-disk", "uv", ("transformers==4.57.6", "accelerate==1.10.1"), ("MT051", "MT052")),
    Stack("racing-threads", "uv", ("transformers==4.57.6", "accelerate==1.10.1"), ("MT002",)),
    Stack("newest-is-affected", "pip", ("transformers==5.23.0", "accelerate==1.15.0"), ("MT016",)),
    Stack("peft-beside-it", "uv", ("transformers==4.46.3", "accelerate==1.0.1", "peft==0.13.2"), ("MT057",), ("--latest",)),
    Stack("head-left-on-meta", "pip", ("transformers==4.46.3", "accelerate==1.0.1"), ("MT014", "MT140")),
)
"""Each is of torch as well, and of what all need."""


class Maker:
    """Makes stacks in a folder: torch is installed and compiled once, and linked into each."""

    def __init__(self, folder: Path, torch: str) -> None:
        self._folder, self._base = folder, folder / "base" / ".venv"
        if not self._base.exists():
            self._run(uv.find_uv_bin(), "venv", "--quiet", "--seed", "--python", sys.executable, self._base)
            self._install(self._base, torch, "setuptools", "--compile-bytecode")

    @contextlib.contextmanager
    def made(self, stack: Stack) -> Iterator[Path]:
        """The environment of a stack."""
        home = self._folder / stack.name / ".venv"
        shutil.rmtree(home.parent, ignore_errors=True)
        shutil.copytree(self._base, home, symlinks=True, copy_function=os.link)
        self._install(home, *stack.requirements)
        for file in home.glob("lib/python3*/site-packages/*.dist-info/INSTALLER"):
            file.unlink()
            file.write_text(f"{stack.installer}\n")
        try:
            yield home
        finally:
            shutil.rmtree(home.parent)

    def _install(self, home: Path, *words: str) -> None:
        self._run(uv.find_uv_bin(), "pip", "install", "--quiet", "--python", home / "bin/python", *words)

    def _run(self, *command: object) -> None:
        subprocess.run([str(each) for each in command], check=True)


def freeze(home: Path, stack: Stack) -> bytes:
    """What `freeze` of the stack's installer says."""
    command = [str(home / "bin/python"), "-m", "pip", "freeze"]
    if stack.installer == "uv":
        command = [uv.find_uv_bin(), "pip", "freeze", "--python", str(home / "bin/python")]
    return subprocess.run(command, check=True, capture_output=True).stdout


def pip_check(home: Path) -> str:
    """What `pip check` complains of; empty where it does not."""
    done = subprocess.run([str(home / "bin/python"), "-m", "pip", "check"], check=False, capture_output=True, text=True)
    return done.stdout if done.returncode else ""


def fix(home: Path, *words: str) -> Any:
    """The report of `doctor fix`."""
    command = [sys.executable, "-m", "doctor", "fix", "--format", "json", "--python", str(home), *words]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=_SECONDS)
    return json.loads(done.stdout) if done.stdout else {"outcome": f"failed: {done.stderr}", "targets": [], "steps": []}


def asked(stack: Stack) -> list[str]:
    """The options that a stack is fixed with."""
    return [*(["--only", *stack.only] if stack.only else []), *stack.options, "--yes"]


def cured_and_undone(stack: Stack, maker: Maker) -> bool:
    """Whether a stack was cured, proved, and came back byte for byte; prints how."""
    with maker.made(stack) as home:
        before, complained = freeze(home, stack), pip_check(home)
        began = time.monotonic()
        report = fix(home, *asked(stack))
        seconds = time.monotonic() - began
        verdicts = {(each["before"], each["after"]) for each in report["targets"]}
        complaints = pip_check(home)
        undone = fix(home, "--undo")
        same = freeze(home, stack) == before
        good = report["outcome"] == "cured" and verdicts == {("reproduced", "not reproduced")} and same and complaints in ("", complained)
        moved = ", ".join(f"{each['package']} {each['from'] or '-'} -> {each['to']}" for each in report["steps"])
        ids = ", ".join(each["id"] for each in report["targets"])
        said = "clean" if not complaints else "as before" if complaints == complained else complaints
        print(f"{'ok ' if good else 'BAD'} {stack.name} ({stack.installer}): {ids}: {moved}")
        print(f"    {verdicts}; pip check {said}; undone to the byte: {same}; {seconds:.0f} s")
        if not good:
            print(json.dumps(report, indent=1), undone)
        sys.stdout.flush()
        return good


def killed(stack: Stack, maker: Maker, count: int, chance: random.Random) -> int:
    """How many of `count` kills left something that the next fix could neither finish nor undo; prints each."""
    bad = 0
    with maker.made(stack) as home:
        before, python = freeze(home, stack), home / "bin/python"
        began = time.monotonic()
        fix(home, *asked(stack))
        whole = time.monotonic() - began
        after = freeze(home, stack)
        fix(home, "--undo")
        for number in range(count):
            instant = chance.uniform(0, whole)
            found = _killed_at(home, stack, instant)
            finishing = number % 2 == 0
            if found not in ("nothing", "done"):
                report = fix(home, "--yes") if finishing else fix(home, "--undo")
                good = report["outcome"] in (("cured", "undone") if finishing else ("undone",))
                good = good and freeze(home, stack) == (after if report["outcome"] == "cured" else before)
            else:
                good = freeze(home, stack) == (before if found == "nothing" else after)
            if (home / ".doctor-fix").exists():
                fix(home, "--undo")
            good = good and freeze(home, stack) == before and python.exists()
            bad += not good
            how = ("finished" if finishing else "undone") if found not in ("nothing", "done") else "nothing to do"
            print(f"{'ok ' if good else 'BAD'} {stack.name}: killed after {instant:.1f} of {whole:.1f} s, found {found}, {how}")
            sys.stdout.flush()
    return bad


def _killed_at(home: Path, stack: Stack, instant: float) -> str:
    """In what state a fix was that was killed after so many seconds."""
    command = [sys.executable, "-m", "doctor", "fix", "--python", str(home), *asked(stack)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(instant)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(0.3)  # for the kernel to end what it had started
    journal = home / ".doctor-fix" / "journal.json"
    return str(json.loads(journal.read_text())["state"]) if journal.exists() else "nothing"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; 0 when all went well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--torch", default="torch==2.13.0+cpu")
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--seed", type=int, default=14)
    options = parser.parse_intermixed_args(arguments)
    chosen = [each for each in STACKS if not options.names or each.name in options.names]
    maker = Maker(options.folder.resolve(), options.torch)
    if options.kills:
        chance = random.Random(options.seed)
        share = -(-options.kills // len(chosen))
        return int(sum(killed(each, maker, share, chance) for each in chosen) > 0)
    failed = sum(not cured_and_undone(each, maker) for each in chosen)  # all are tried, whatever the first ones say
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
