"""MT109: transformers 5.0 disables a torch older than 2.2."""

import _torch_floor
from _harness import Verdict


def reproduce(workdir: str) -> Verdict:
    return _torch_floor.verdict("2.2", workdir)
