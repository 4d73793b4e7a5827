"""MT150: a tied class whose _tied_weights_keys is a list cannot be built by transformers 5."""

import _own_tie
from _harness import Verdict


def reproduce(workdir: str) -> Verdict:
    return _own_tie.reproduce_with(workdir, {"_tied_weights_keys": ["head.weight"]}, "'list' object has no attribute 'keys'")
