"""Runs in a stack under torchrun, with doctor beside it: every rank has the same model, but for what is planted in one of them.

    torchrun --nproc-per-node N compared_ranks.py FOLDER      writes FOLDER/RANK.json: what was planted -> what this rank was told
"""

import copy
import json
import os
import sys

import torch
import torch.distributed
from torch import nn

import doctor
from ending import end_together


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(11, 6)
        self.norm = nn.BatchNorm1d(6)
        self.head = nn.Linear(6, 11, bias=False)
        self.head.weight = self.embed.weight
        self.register_buffer("table", torch.arange(12, dtype=torch.float32), persistent=False)


def planted(rank, last):
    """Each way for the last rank to differ."""
    torch.manual_seed(7)
    whole = Model()

    def model(change=None):
        made = copy.deepcopy(whole)
        if change is not None and rank == last:
            change(made)
        return made

    def untie(made):
        made.head.weight = nn.Parameter(made.embed.weight.detach().clone())

    yield "nothing", model()
    yield "a buffer", model(lambda made: made.table.__setitem__(3, -1.0))
    yield "a tie", model(untie)
    yield "meta", model(lambda made: made.to("meta"))
    yield "a type", model(lambda made: made.norm.half())
    yield "a parameter", model(lambda made: made.norm.weight.data.add_(1))
    yield "a shape", model(lambda made: setattr(made, "table", torch.zeros(3)))
    yield "a name", model(lambda made: made.register_buffer("more", torch.zeros(1)))
    yield "cannot be looked at", model(lambda made: setattr(made, "named_modules", None))
    yield "sharded", sharded(copy.deepcopy(whole), None)
    yield "sharded, one wrong", sharded(copy.deepcopy(whole), rank == last)


def sharded(model, wrong):
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    count = torch.distributed.get_world_size()
    mesh = init_device_mesh("cpu", (2, count // 2), mesh_dim_names=("replicate", "shard")) if count > 2 else init_device_mesh("cpu", (count,))
    fully_shard(model, mesh=mesh)
    if wrong:
        with torch.no_grad():
            model.norm.bias.to_local().fill_(7)
    return model


if __name__ == "__main__":
    torch.distributed.init_process_group("gloo")
    rank, count = torch.distributed.get_rank(), torch.distributed.get_world_size()
    found = {}
    for name, model in planted(rank, count - 1):
        compared = doctor.compare_ranks(model)
        found[name] = {"report": json.loads(compared.as_json()), "text": str(compared), "alike": compared.alike}
    pair = torch.distributed.new_group([0, 1])
    if rank < 2:
        found["in a group of two"] = {"alike": doctor.compare_ranks(Model().to("meta") if rank else Model(), group=pair).alike}
    with open(os.path.join(sys.argv[1], "%d.json" % rank), "w") as file:
        json.dump(found, file)
    end_together()
