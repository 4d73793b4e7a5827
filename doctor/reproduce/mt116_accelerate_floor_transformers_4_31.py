"""MT116: transformers 4.31 to 4.35 cannot be imported beside an accelerate older than 0.20.3.

The import is tried in a new interpreter, because a runner could not have imported such a pair before.
"""

import subprocess
import sys

from _harness import Verdict, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    command = [sys.executable, "-c", "import transformers; print(transformers.__version__)"]
    ended = subprocess.run(command, cwd=workdir, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    errors = ended.stderr.decode(errors="replace").strip().splitlines()
    if ended.returncode == 0:
        return not_reproduced(f"transformers {ended.stdout.decode().strip()} is imported")
    known = [line for line in errors if "accelerate>=0.20.3 is required for a normal functioning of this module" in line]
    if known:
        return reproduced(known[0])
    raise AssertionError("the import fails in another way: " + (errors[-1] if errors else "no message"))
