"""Loading and dispatching a small model in every release of accelerate, and a tied pair under names in either order."""

import os
from typing import Any, Dict, Iterable, Tuple

import _offload
import _tiny

ORDERS = {"embed-first": ("embed", "head"), "head-first": ("transformer", "lm_head")}
"""The names of the embedding and the head: which of the two sorts first."""

NO_VALUE = ("Cannot copy out of meta tensor; no data!", "is on the meta device, we need a `value`")
"""How a release says that a parameter has no data."""


def load_and_dispatch(model: Any, path: str, places: Dict[str, str], offload: str) -> Any:
    """As load_checkpoint_and_dispatch. Before 0.14.0 that takes no map without a GPU unless it is told the main device."""
    import accelerate

    if _tiny.release("accelerate") >= (0, 14):
        return accelerate.load_checkpoint_and_dispatch(model, path, device_map=places, offload_folder=offload)
    accelerate.load_checkpoint_in_model(model, path, device_map=places, offload_folder=offload)
    return accelerate.dispatch_model(model, places, main_device="cpu", offload_dir=offload)


def tied(order: str) -> Any:
    """An embedding and a head that tie_weights() makes share one weight, with two layers between, named as `ORDERS` says."""
    from torch import nn

    embed, head = ORDERS[order]

    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            setattr(self, embed, nn.Embedding(_offload.WIDTH, _offload.WIDTH))
            self.mid = nn.Linear(_offload.WIDTH, _offload.WIDTH)
            self.low = nn.Linear(_offload.WIDTH, _offload.WIDTH, bias=False)
            setattr(self, head, nn.Linear(_offload.WIDTH, _offload.WIDTH, bias=False))

        def tie_weights(self) -> None:
            getattr(self, head).weight = getattr(self, embed).weight

        def forward(self, ids: Any) -> Any:
            return getattr(self, head)(self.low(self.mid(getattr(self, embed)(ids))))

    return Tied()


def tied_offloaded(workdir: str, order: str, on_disk: Iterable[str], leave_out: Iterable[str] = (), tie_again: bool = False) -> Tuple[Any, Any]:
    """A model loaded from a file without `leave_out`, with the roles `on_disk` ("embed", "head", "low") on disk; and the right output.

    `tie_again`: between the load and the dispatch, as transformers does.
    """
    import accelerate

    embed, head = ORDERS[order]
    names = {"embed": embed, "head": head, "low": "low", "mid": "mid"}
    original = _offload.fill(tied(order)).eval()
    original.tie_weights()
    path = _offload.checkpoint(original, workdir, leave_out=[names[each] + ".weight" for each in leave_out])
    with accelerate.init_empty_weights():
        model = tied(order)
    model.tie_weights()
    places = {name: "disk" if role in on_disk else "cpu" for role, name in names.items()}
    offload = os.path.join(workdir, "offload")
    os.makedirs(offload)
    if tie_again:
        accelerate.load_checkpoint_in_model(model, path, device_map=places, offload_folder=offload)
        model.tie_weights()
        accelerate.dispatch_model(model, places, main_device="cpu", offload_dir=offload)
    else:
        load_and_dispatch(model, path, places, offload)
    return model.eval(), _offload.run(original, _offload.ids())
