"""MT151: a class with a tie_weights() of its own that takes no keywords cannot be built by transformers 5."""

import _own_tie
from _harness import Verdict


def tie_weights(self):  # type: ignore[no-untyped-def]
    self.head.weight = self.embedding.weight


def reproduce(workdir: str) -> Verdict:
    return _own_tie.reproduce_with(workdir, {"tie_weights": tie_weights}, "tie_weights() got an unexpected keyword argument")
