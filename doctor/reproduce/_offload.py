"""Small modules and checkpoints for the accelerate reproducers."""

import os
import traceback
from typing import Any, Dict, Iterable, List, Tuple

WIDTH = 4


def fill(module: Any) -> Any:
    """Give every floating parameter of the module its own values, so that a swapped tensor shows."""
    import torch

    with torch.no_grad():
        for number, tensor in enumerate(t for t in module.parameters() if t.is_floating_point()):
            steps = torch.linspace(0.0, 0.5, max(tensor.numel(), 1))[: tensor.numel()]
            tensor.copy_(steps.reshape(tensor.shape) + 0.25 * (number + 1))
    return module


def stack() -> Any:
    """Three linear layers a, m, b in a row."""
    from torch import nn

    class Stack(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Linear(WIDTH, WIDTH)
            self.m = nn.Linear(WIDTH, WIDTH)
            self.b = nn.Linear(WIDTH, WIDTH)

        def forward(self, x: Any) -> Any:
            return self.b(self.m(self.a(x)))

    return Stack()


def tied() -> Any:
    """An embedding and a head that tie_weights() makes share one weight, with two layers between."""
    from torch import nn

    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(WIDTH, WIDTH)
            self.mid = nn.Linear(WIDTH, WIDTH)
            self.low = nn.Linear(WIDTH, WIDTH, bias=False)
            self.head = nn.Linear(WIDTH, WIDTH, bias=False)

        def tie_weights(self) -> None:
            self.head.weight = self.embed.weight

        def forward(self, ids: Any) -> Any:
            return self.head(self.low(self.mid(self.embed(ids))))

    return Tied()


def buffered(persistent: bool) -> Any:
    """A layer `c` with a buffer `scale` inside a block `p`, and a plain layer `b`."""
    import torch
    from torch import nn

    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(WIDTH, WIDTH)
            self.register_buffer("scale", torch.full((WIDTH,), 3.0), persistent=persistent)

        def forward(self, x: Any) -> Any:
            return self.linear(x) * self.scale

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.c = Scaled()

        def forward(self, x: Any) -> Any:
            return self.c(x)

    class Buffered(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.p = Block()
            self.b = nn.Linear(WIDTH, WIDTH)

        def forward(self, x: Any) -> Any:
            return self.b(self.p(x))

    return Buffered()


def vector() -> Any:
    """An input for the modules that take floats."""
    import torch

    return torch.arange(float(WIDTH)).reshape(1, WIDTH) / WIDTH


def ids() -> Any:
    """An input for the modules that take token ids."""
    import torch

    return torch.arange(WIDTH).reshape(1, WIDTH)


def run(module: Any, value: Any) -> Any:
    """One forward without gradients."""
    import torch

    with torch.no_grad():
        return module(value)


def checkpoint(module: Any, workdir: str, leave_out: Iterable[str] = ()) -> str:
    """Save the state dict into a file and return its path."""
    import torch

    skipped = set(leave_out)
    state = {name: value for name, value in module.state_dict().items() if name not in skipped}
    path = os.path.join(workdir, "weights.bin")
    torch.save(state, path)
    return path


def folder(workdir: str, name: str = "offload") -> str:
    """A new folder inside workdir."""
    path = os.path.join(workdir, name)
    os.makedirs(path)
    return path


def on_meta(module: Any) -> List[str]:
    """The names of parameters and buffers that are on meta."""
    named = list(module.named_parameters()) + list(module.named_buffers())
    return [name for name, tensor in named if tensor.device.type == "meta"]


def differing(module: Any, reference: Dict[str, Any]) -> List[str]:
    """The names whose values are not bit for bit those of the reference state dict."""
    import torch

    state = module.state_dict()
    return [name for name, value in reference.items() if name not in state or not torch.equal(state[name], value)]


def raised_in(error: BaseException, *functions: str) -> bool:
    """Whether all these functions are in the traceback of the error."""
    seen = {frame.name for frame in traceback.extract_tb(error.__traceback__)}
    return all(function in seen for function in functions)


def first_line(error: BaseException) -> str:
    """Type and first line of an error."""
    lines = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"


def cpu_map_refused(error: BaseException) -> bool:
    """Before 0.14.0 a map without a GPU ends in an IndexError inside accelerate."""
    return isinstance(error, IndexError) and raised_in(error, "dispatch_model")


def one_process_group() -> Dict[str, str]:
    """The environment of a launch with one process on the CPU, on a free port."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return {
        "RANK": "0",
        "LOCAL_RANK": "0",
        "WORLD_SIZE": "1",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "ACCELERATE_USE_CPU": "true",
        "ACCELERATE_USE_FSDP": "true",
        "FSDP_VERSION": "2",
        "FSDP_CPU_RAM_EFFICIENT_LOADING": "true",
    }


def fsdp2_prepared(model: Any) -> Any:
    """The model prepared for FSDP2 with cpu_ram_efficient_loading in this one process; None where there is no FSDP2.

    Accelerator.prepare takes FSDP only with an accelerator device, so the function it calls is called here.
    """
    from accelerate import Accelerator, FullyShardedDataParallelPlugin
    from accelerate.utils import DistributedType

    try:
        from accelerate.utils.fsdp_utils import fsdp2_prepare_model
    except ImportError:
        return None
    os.environ.update(one_process_group())
    plugin = FullyShardedDataParallelPlugin(fsdp_version=2, cpu_ram_efficient_loading=True)
    accelerator = Accelerator(cpu=True)
    accelerator.state.distributed_type = DistributedType.FSDP
    accelerator.state.fsdp_plugin = plugin
    return fsdp2_prepare_model(accelerator, model)


def without_cuda(error: BaseException) -> bool:
    """The first releases with FSDP2 ask for a CUDA device whatever is there."""
    return isinstance(error, AssertionError) and "Torch not compiled with CUDA enabled" in str(error)


def leave_group() -> None:
    """End the process group, if there is one."""
    import torch.distributed

    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def tied_on_disk(workdir: str) -> Tuple[Any, Any]:
    """A model loaded with its tied pair and one more layer on disk, tied again and dispatched; and the right output."""
    from accelerate import dispatch_model, init_empty_weights, load_checkpoint_in_model

    original = fill(tied()).eval()
    original.tie_weights()
    path = checkpoint(original, workdir)
    with init_empty_weights():
        model = tied()
    model.tie_weights()
    places = {"embed": "disk", "mid": "cpu", "low": "disk", "head": "disk"}
    offload = folder(workdir)
    load_checkpoint_in_model(model, path, device_map=places, offload_folder=offload)
    model.tie_weights()
    dispatch_model(model, places, main_device="cpu", offload_dir=offload)
    return model.eval(), run(original, ids())
