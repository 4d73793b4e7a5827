"""Two processes of one gloo group on the CPU, forked from this one."""

import json
import os
from typing import Any, Callable, Dict, List


def answers(work: Callable[[int], Any], workdir: str, environment: Dict[str, str]) -> List[Any]:
    """What `work(rank)` returned in rank 0 and in rank 1, as JSON; an exception as `{"error": its first line}`."""
    children = [_started(rank, work, workdir, environment) for rank in range(2)]
    for child in children:
        os.waitpid(child, 0)
    return [_read(_answer_file(workdir, rank)) for rank in range(2)]


def _started(rank: int, work: Callable[[int], Any], workdir: str, environment: Dict[str, str]) -> int:
    child = os.fork()
    if child:
        return child
    try:
        answer = _in_group(rank, work, workdir, environment)
    except BaseException as error:
        answer = {"error": "%s: %s" % (type(error).__name__, str(error).strip().split("\n")[0])}
    with open(_answer_file(workdir, rank), "w", encoding="utf-8") as file:
        json.dump(answer, file)
    os._exit(0)


def _in_group(rank: int, work: Callable[[int], Any], workdir: str, environment: Dict[str, str]) -> Any:
    import torch.distributed

    os.environ.update(environment, RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE="2")
    meeting = "file://" + os.path.join(workdir, "meeting")
    torch.distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
    answer = work(rank)
    torch.distributed.barrier()
    return answer


def _answer_file(workdir: str, rank: int) -> str:
    return os.path.join(workdir, "rank-%d.json" % rank)


def _read(path: str) -> Any:
    with open(path, encoding="utf-8") as file:
        return json.load(file)
