"""Gives work to a cluster as `doctor triage --ray` does; some items end the worker that they are given to.

    python ray_work.py ADDRESS           prints the answers as JSON; a negative one stands for an item that ended its worker
    python ray_work.py ADDRESS busy      takes all CPUs of the cluster, says so, and keeps them until standard input ends
"""

import json
import os
import signal
import sys

from doctor.fleet.cluster import connected, in_cluster


def squared(numbers):
    if 5 in numbers:
        os.kill(os.getpid(), signal.SIGKILL)
    return [number * number for number in numbers]


def take_all(address):
    with connected(address, {}) as ray:
        actor = ray.remote(num_cpus=1)(type("Holder", (), {"held": lambda self: True}))
        holders = [actor.remote() for _ in range(int(ray.cluster_resources()["CPU"]))]
        ray.get([each.held.remote() for each in holders])
        sys.__stdout__.write("busy\n")
        sys.__stdout__.flush()
        sys.stdin.read()


if __name__ == "__main__":
    if sys.argv[2:] == ["busy"]:
        take_all(sys.argv[1])
        sys.exit()
    with connected(sys.argv[1], {}) as ray:
        answers = list(in_cluster(ray, squared, range(20), lambda number: -number))
    print(json.dumps(answers))
