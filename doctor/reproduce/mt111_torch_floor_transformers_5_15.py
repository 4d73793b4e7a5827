"""MT111: transformers 5.15 to 5.19 disables a torch older than 2.5."""

import _torch_floor
from _harness import Verdict


def reproduce(workdir: str) -> Verdict:
    return _torch_floor.verdict("2.5", workdir)
