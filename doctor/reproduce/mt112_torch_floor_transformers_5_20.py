"""MT112: transformers 5.20 and later disables a torch older than 2.6."""

import _torch_floor
from _harness import Verdict


def reproduce(workdir: str) -> Verdict:
    return _torch_floor.verdict("2.6", workdir)
