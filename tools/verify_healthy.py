"""Hold `doctor verify` against loads that are right: every architecture and release must come out clean. docs/verify.md has the count.

python -m tools.verify_healthy [--releases 4.38.2 ...] [--python PYTHON_OF_AN_ENVIRONMENT]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from packaging.version import Version

from doctor.probe.child import INSIDE
from doctor.probe.verification import inspection_of
from tools.sweep import companions, make_environment

RELEASES = ("4.38.2", "4.46.3", "4.51.3", "4.57.6", "5.24.0")
_INNER = Path(__file__).parent / "inside" / "verify_healthy.py"
_SECONDS = 2400


def main(arguments: Sequence[str] | None = None) -> None:
    """Run, and print each load that did not come out clean, and the count of those that did."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--releases", nargs="+", default=RELEASES, metavar="VERSION")
    parser.add_argument("--python", metavar="PYTHON", help="run them in this environment instead, as it is")
    parser.add_argument("--torch", default="torch==2.13.0", metavar="REQUIREMENT")
    options = parser.parse_args(arguments)
    if options.python:
        _report("as it is", _loads(options.python))
        return
    for release in options.releases:
        with tempfile.TemporaryDirectory() as home:
            requirements = [options.torch, f"transformers=={release}", *companions("transformers", Version(release))]
            why = make_environment(Path(home), requirements, sys.executable)
            if why is not None:
                print(f"transformers {release}: cannot be installed: {why}")
            else:
                _report(f"transformers {release}", _loads(f"{home}/bin/python"))


def _report(release: str, loads: Iterator[Any]) -> None:
    count: Counter[str] = Counter()
    for each in loads:
        if each["error"] is not None:
            count["not loaded"] += 1
            print(f"  {each['model']} {each['load']}: {each['error']}", flush=True)
            continue
        inspection = inspection_of(each["answer"])
        count[{0: "clean", 1: "FALSE ALARM", 2: "not told"}[inspection.exit_code]] += 1
        for fault in inspection.faults:
            print(f"  {each['model']} {each['load']}: {fault.kind}: {fault.detail}: {', '.join(fault.names[:3])}", flush=True)
        for told in inspection.not_told:
            print(f"  {each['model']} {each['load']}: not told: {told.reason}: {', '.join(told.names[:3])}", flush=True)
    print(f"{release}: {', '.join(f'{number} {what}' for what, number in count.items())}", flush=True)


def _loads(python: str) -> Iterator[Any]:
    command = [python, "-B", "-W", "ignore", str(_INNER), str(INSIDE)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False, timeout=_SECONDS)
    yield from (json.loads(line) for line in done.stdout.splitlines() if line.startswith("{"))


if __name__ == "__main__":
    main()
