"""MT110: transformers 5.1 to 5.14 disables a torch older than 2.4."""

import _torch_floor
from _harness import Verdict


def reproduce(workdir: str) -> Verdict:
    return _torch_floor.verdict("2.4", workdir)
