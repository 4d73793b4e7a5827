"""MT057: get_non_persistent_buffers(recurse=True) drops a persistent buffer from state_dict."""

from _harness import Verdict, not_applicable, not_reproduced, reproduced


def nested() -> object:
    """The parent keeps `scale`, its child does not."""
    import torch
    from torch import nn

    parent, child = nn.Module(), nn.Module()
    parent.register_buffer("scale", torch.full((2,), 3.0))
    child.register_buffer("scale", torch.full((2,), 5.0), persistent=False)
    parent.child = child
    return parent


def reproduce(workdir: str) -> Verdict:
    try:
        from accelerate.utils.modeling import get_non_persistent_buffers
    except ImportError:
        return not_applicable("accelerate has no get_non_persistent_buffers")
    module = nested()
    before = set(module.state_dict())
    get_non_persistent_buffers(module, recurse=True)
    lost = sorted(before - set(module.state_dict()))
    if lost:
        return reproduced("state_dict lost {}".format(", ".join(lost)))
    return not_reproduced("state_dict still holds {}".format(", ".join(sorted(before))))
