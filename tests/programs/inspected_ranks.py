"""Runs in a stack, with doctor beside it: two ranks hold parts of one model, and one of them holds a wrong one.

    python inspected_ranks.py FOLDER      prints one JSON object: what was done -> a report of each rank
"""

import json
import os
import socket
import sys

import torch
import torch.distributed
import torch.multiprocessing
from torch import nn

import doctor
from ending import end_together


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(7, 5)
        self.second = nn.Linear(5, 6, bias=False)


def work(rank, folder, port):
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import FullyShardedDataParallel, fully_shard

    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), RANK=str(rank), WORLD_SIZE="2")
    torch.distributed.init_process_group("gloo", rank=rank, world_size=2)
    file = os.path.join(folder, "weights.bin")
    found = {}

    def loaded():
        model = Model()
        model.load_state_dict(torch.load(file))
        return model

    def note(name, model):
        found[name] = json.loads(doctor.inspect_model(model, file, digests=True).as_json())

    mesh = init_device_mesh("cpu", (2,))
    model = loaded()
    fully_shard(model, mesh=mesh)
    note("fsdp2", model)
    if rank == 1:
        with torch.no_grad():
            model.first.weight.to_local().fill_(7.75)
    note("wrong on rank 1", model)
    note("fsdp1", FullyShardedDataParallel(loaded(), device_id=torch.device("cpu")))
    note("fsdp1, parameters as they were", FullyShardedDataParallel(loaded(), use_orig_params=True, device_id=torch.device("cpu")))
    with open(os.path.join(folder, "rank%d.json" % rank), "w") as written:
        json.dump(found, written)
    end_together()


if __name__ == "__main__":
    torch.manual_seed(7)
    torch.save(Model().state_dict(), os.path.join(sys.argv[1], "weights.bin"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    torch.multiprocessing.spawn(work, args=(sys.argv[1], port), nprocs=2)
    ranks = []
    for rank in range(2):
        with open(os.path.join(sys.argv[1], "rank%d.json" % rank)) as file:
            ranks.append(json.load(file))
    json.dump({name: [each[name] for each in ranks] for name in ranks[0]}, sys.stdout)
