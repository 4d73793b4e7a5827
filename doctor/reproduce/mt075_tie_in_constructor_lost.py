"""MT075: weights tied in the constructor are not tied under init_empty_weights."""

from _harness import Verdict, not_reproduced, reproduced


def self_tied() -> object:
    """A module that ties its two layers in the constructor."""
    from torch import nn

    class SelfTied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(2, 2)
            self.head = nn.Linear(2, 2, bias=False)
            self.head.weight = self.embed.weight

    return SelfTied()


def reproduce(workdir: str) -> Verdict:
    from accelerate import init_empty_weights

    plain = self_tied()
    if plain.head.weight is not plain.embed.weight:
        raise AssertionError("not tied outside the context either")
    with init_empty_weights():
        model = self_tied()
    if model.head.weight is model.embed.weight:
        return not_reproduced("embed.weight is head.weight under the context")
    return reproduced("embed.weight and head.weight are two parameters under the context")
