"""A Ray cluster of several raylets on this machine, bound to 127.0.0.1, until standard input ends.

    python ray_cluster.py JSON      a list of environment variables for each node; prints the addresses and the raylets' process ids
"""

import importlib.util
import json
import socket
import sys

from ray.cluster_utils import Cluster


def free_port():
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return asked.getsockname()[1]


def main():
    common = {"node_ip_address": "127.0.0.1", "object_store_memory": 80 * 1024**2, "num_cpus": 1, "num_gpus": 0}
    port = free_port()
    client = {"ray_client_server_port": port} if importlib.util.find_spec("grpc") else {}
    cluster, nodes = Cluster(), []
    for number, variables in enumerate(json.loads(sys.argv[1])):
        more = {"include_dashboard": False, **client} if number == 0 else {}
        nodes.append(cluster.add_node(wait=False, node_name="node-%d" % number, env_vars=variables, **common, **more))
    cluster.wait_for_nodes()
    raylets = [node.all_processes["raylet"][0].process.pid for node in nodes]
    print(json.dumps({"address": cluster.address, "client": "ray://127.0.0.1:%d" % port if client else None, "raylets": raylets}), flush=True)
    sys.stdin.read()
    cluster.shutdown()


if __name__ == "__main__":
    main()
