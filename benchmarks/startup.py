"""How much doctor costs, as ratios against commands its users know, all measured in this one run.

    python -m benchmarks.startup STACK

STACK is the folder of an environment that holds torch, accelerate and a transformers that has the command `transformers`. Each pair is run
in turn, A B A B, after one run of each that does not count; a figure is the median of the ratios, pair by pair, so that a busy machine
slows both sides alike.
"""

from __future__ import annotations

import hashlib
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from doctor.knowledge.matrix_file import builtin_file
from tools.publish_matrix import write

RUNS = 7
READ_ALL_METADATA = """
from importlib.metadata import distributions
for each in distributions():
    each.metadata["Name"], each.version, each.requires
"""
"""What any program does that is to know what is installed beside it, for the least that it costs a Python to find out."""


class Cost(NamedTuple):
    """Of one run of a command, children included, in seconds."""

    cpu: float
    wall: float


def cost(command: Sequence[str]) -> Cost:
    """Run the command once."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=False)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall)


def compare(title: str, command: Sequence[str], against: Sequence[str], figure: str, budget: float) -> None:
    """Print how many times the cost of `against` the command takes."""
    pairs = [(cost(command), cost(against)) for _ in range(RUNS + 1)][1:]
    ratios = sorted(getattr(one, figure) / getattr(other, figure) for one, other in pairs)
    ours, theirs = (statistics.median(getattr(pair[side], figure) for pair in pairs) for side in (0, 1))
    ratio = statistics.median(ratios)
    verdict = "within" if ratio <= budget else "OVER"
    print(f"{title}: {ratio:.3f} x ({ratios[0]:.3f} to {ratios[-1]:.3f}; {ours:.2f} s against {theirs:.2f} s {figure}), {verdict} {budget} x")


def with_a_thousand_more(folder: Path) -> Path:
    """A copy of the built-in matrix with about a thousand advisories more: all of its own some times again, under other names.

    Of a fixed number a ratio can be held from year to year: of "ten times as many" there are more with each that is added. Of the
    copies as many hold as of the built-in ones, a third, and are told: two fifths of the cost, which no index would spare.
    """
    head, _, rest = builtin_file().read_text("utf-8").partition("advisories:\n")
    advisories, _, causes = rest.partition("\ncauses:\n")
    again = round(1000 / len(re.findall(r"^  - id: ", advisories, flags=re.MULTILINE)))
    copies = "\n".join(_renamed(advisories, copy) for copy in range(1 + again))
    large = folder / "compat.yaml"
    large.write_text(f"{head}advisories:\n{copies}\ncauses:\n{causes}", encoding="utf-8")
    return large


def _renamed(advisories: str, copy: int) -> str:
    """The text of a copy: ids and slugs are used once, and `related` names ids of the same copy."""
    return advisories if copy == 0 else re.sub(r"\bMT(\d{3})\b", rf"MT{copy}\1", advisories).replace("slug: ", f"slug: copy-{copy}-")


def published_later(folder: Path) -> tuple[str, ...]:
    """What `doctor matrix update` takes: the built-in matrix as it is published, as if of a later day, and its checksum."""
    matrix, _ = write(folder / "published")
    matrix.write_text(re.sub(r"^version: .*", 'version: "2099.01.01"', matrix.read_text("utf-8"), count=1, flags=re.MULTILINE), encoding="utf-8")
    return str(matrix), "--sha256", hashlib.sha256(matrix.read_bytes()).hexdigest()


def installed_with(matrix: Path, folder: Path) -> str:
    """The command of a doctor, installed from a copy of this source tree, that ships `matrix`."""
    tree = folder / "tree"
    subprocess.run(["git", "clone", "--quiet", Path(__file__).resolve().parent.parent, tree], check=True)
    (tree / "data" / "compat.yaml").write_bytes(matrix.read_bytes())
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    subprocess.run([folder / "venv" / "bin" / "python", "-m", "pip", "install", "--quiet", "--quiet", tree], check=True)
    return str(folder / "venv" / "bin" / "doctor")


def main(stack: Path) -> None:
    """Measure every budget."""
    python = str(stack / "bin" / "python")
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "one").mkdir()
        (Path(scratch) / "more").mkdir()
        doctor = installed_with(builtin_file(), Path(scratch) / "one")
        larger = installed_with(with_a_thousand_more(Path(scratch)), Path(scratch) / "more")
        os.chdir(scratch)
        still = ["--no-live", "--format", "json", "--python", str(stack)]
        help_cost = statistics.median(cost([doctor, "--help"]).cpu for _ in range(RUNS))
        print(f"doctor --help: {help_cost:.3f} s CPU, {'within' if help_cost < 0.1 else 'OVER'} 0.1 s")
        compare("doctor --no-live / transformers env", [doctor, *still], [str(stack / "bin" / "transformers"), "env"], "cpu", 1 / 8)
        compare("doctor --no-live / start and read all metadata", [doctor, *still], [python, "-c", READ_ALL_METADATA], "cpu", 1.6)
        torch = [python, "-c", "import torch; torch.cuda.is_available()"]
        compare("doctor / import torch", [doctor, "--format", "json", "--python", str(stack)], torch, "wall", 1.15)
        compare("a thousand advisories more / the built-in ones", [larger, *still], [doctor, *still], "cpu", 1.6)
        shipped, updated = (["env", f"DOCTOR_DATA_HOME={scratch}/{name}", doctor] for name in ("none", "updated"))
        subprocess.run([*updated, "matrix", "update", *published_later(Path(scratch))], check=True, stdout=subprocess.DEVNULL)
        compare("an updated matrix / the built-in one", [*updated, *still], [*shipped, *still], "cpu", 1.05)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
