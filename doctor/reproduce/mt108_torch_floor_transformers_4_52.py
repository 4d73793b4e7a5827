"""MT108: transformers 4.52 to 4.57 disables a torch older than 2.1."""

import _torch_floor
from _harness import Verdict


def reproduce(workdir: str) -> Verdict:
    return _torch_floor.verdict("2.1", workdir)
