"""MT076: init_empty_weights in one thread puts modules of other threads on meta, even for good.

The threads are led step by step by events, so the verdict does not depend on timing.
"""

import threading

from _harness import Verdict, not_reproduced, reproduced


def inside(entered: threading.Event, leave: threading.Event) -> None:
    """Stay inside the context until told to leave."""
    from accelerate import init_empty_weights

    with init_empty_weights():
        entered.set()
        leave.wait(30)


def overlap() -> bool:
    """Two overlapping contexts, the first to enter leaves first; whether another thread gets meta meanwhile."""
    from torch import nn

    events = [threading.Event() for _ in range(4)]
    first = threading.Thread(target=inside, args=(events[0], events[1]))
    second = threading.Thread(target=inside, args=(events[2], events[3]))
    first.start()
    events[0].wait(30)
    second.start()
    events[2].wait(30)
    leaked = nn.Linear(2, 2).weight.device.type == "meta"
    events[1].set()
    first.join(30)
    events[3].set()
    second.join(30)
    if first.is_alive() or second.is_alive():
        raise AssertionError("a thread did not end")
    return leaked


def reproduce(workdir: str) -> Verdict:
    from torch import nn

    if nn.Linear(2, 2).weight.device.type != "cpu":
        raise AssertionError("modules are not on the CPU to begin with")
    leaked = overlap()
    stuck = nn.Linear(2, 2).weight.device.type == "meta"
    if stuck:
        return reproduced("after both contexts have ended every new module is on meta")
    if leaked:
        return reproduced("a module built in a thread outside the context is on meta")
    return not_reproduced("modules built outside the context, during and after it, are on the CPU")
