"""MT118: accelerate 0.16 to 0.20 cannot be imported without pkg_resources.

The import is tried in a new interpreter, because a runner could not have imported such an accelerate before.
"""

import subprocess
import sys

from _harness import Verdict, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    command = [sys.executable, "-c", "import accelerate; print(accelerate.__version__)"]
    ended = subprocess.run(command, cwd=workdir, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    errors = ended.stderr.decode(errors="replace").strip().splitlines()
    if ended.returncode == 0:
        return not_reproduced(f"accelerate {ended.stdout.decode().strip()} is imported")
    if errors and errors[-1] == "ModuleNotFoundError: No module named 'pkg_resources'":
        return reproduced(errors[-1])
    raise AssertionError("the import fails in another way: " + (errors[-1] if errors else "no message"))
