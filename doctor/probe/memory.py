"""RAM, the limits this process really has, and the disk. In a container the machine's total is a lie."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from doctor.facts.environment import Disk, Memory

_CGROUP_ROOT = Path("/sys/fs/cgroup")
_SELF_CGROUP = Path("/proc/self/cgroup")


def examine_memory() -> Memory:
    """The machine's RAM and the least limit that holds for this process, in bytes."""
    total, available = meminfo() or _asked_of_psutil()
    return memory_under(total, available, list(_limits()))


def meminfo(file: Path = Path("/proc/meminfo")) -> tuple[int, int] | None:
    """Total and available, as Linux says since 3.14 (proc(5)); None elsewhere. Importing psutil would take longer than all the rest."""
    try:
        lines = file.read_text("ascii", "replace").splitlines()
        said = dict(line.split(":", 1) for line in lines if ":" in line)
        return int(said["MemTotal"].removesuffix("kB")) * 1024, int(said["MemAvailable"].removesuffix("kB")) * 1024
    except (OSError, ValueError, KeyError):
        return None


def _asked_of_psutil() -> tuple[int | None, int | None]:
    import psutil

    try:
        virtual = psutil.virtual_memory()
        return int(virtual.total), int(virtual.available)
    except (OSError, RuntimeError):
        return None, None


def memory_under(total: int | None, available: int | None, limits: list[tuple[int, str, int | None]]) -> Memory:
    """Memory under `limits`, each in bytes with its source and how much of it is used (None: not known)."""
    binding = [each for each in limits if total is None or each[0] < total]
    if not binding:
        return Memory(total, available, None, None)
    for limit, _, used in binding:
        if available is not None or used is not None:
            free = max(limit - (used or 0), 0)
            available = free if available is None else min(available, free)
    least, source, _ = min(binding, key=lambda each: each[0])
    return Memory(total, available, least, source)


def _limits() -> Iterator[tuple[int, str, int | None]]:
    try:
        membership = _SELF_CGROUP.read_text("utf-8", "replace")
    except OSError:
        membership = ""
    yield from cgroup_limits(membership, _CGROUP_ROOT)
    yield from _address_space_limit()


def cgroup_limits(membership: str, root: Path) -> Iterator[tuple[int, str, int | None]]:
    """The limits of the groups this process is in and of every group above them: the smallest of a chain wins.

    `membership` is the text of /proc/self/cgroup (cgroups(7)): `0::/path` for v2, `N:memory:/path` for v1. Inside a container
    the path may be the host's and not exist below `root`; the container's own group is then at the root.
    """
    for line in membership.splitlines():
        hierarchy, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if hierarchy == "0" and not controllers:
            yield from _chain(root, group, "memory.max", "memory.current", "cgroup v2")
        elif "memory" in controllers.split(","):
            yield from _chain(root / "memory", group, "memory.limit_in_bytes", "memory.usage_in_bytes", "cgroup v1")


def _chain(root: Path, group: str, limit_file: str, usage_file: str, source: str) -> Iterator[tuple[int, str, int | None]]:
    parts = [part for part in group.split("/") if part not in ("", "..", ".")]
    for depth in range(len(parts), -1, -1):
        folder = root.joinpath(*parts[:depth])
        limit = _bytes_in(folder / limit_file)
        if limit is not None:
            yield limit, source, _used(folder, usage_file)


def _used(folder: Path, usage_file: str) -> int | None:
    """What a group uses, less the file pages that the kernel takes back on demand: reading a checkpoint leaves gigabytes of them behind."""
    used = _bytes_in(folder / usage_file)
    return None if used is None else max(used - _inactive_file(folder / "memory.stat"), 0)


def _inactive_file(stat: Path) -> int:
    """`inactive_file` of a group and the groups below it; in v1 that is the one called `total_inactive_file`."""
    try:
        found = re.findall(r"^(?:total_)?inactive_file (\d{1,18})$", stat.read_text("ascii", "replace"), re.MULTILINE)
    except OSError:
        return 0
    return max(map(int, found), default=0)


def _bytes_in(file: Path) -> int | None:
    """The number in a cgroup file; None for `max`, for a file that is not there, and for v1's "no limit" (about 2**63)."""
    try:
        value = int(file.read_text("ascii", "replace"))
    except (OSError, ValueError):
        return None
    return value if 0 <= value < 2**60 else None


def _address_space_limit() -> Iterator[tuple[int, str, int | None]]:
    if sys.platform == "win32":
        return
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY:
        yield soft, "RLIMIT_AS", None


def examine_disk(directory: Path) -> Disk:
    """The disk under `directory`, where a relative `offload_folder` would lie."""
    try:
        return Disk(str(directory), shutil.disk_usage(directory).free)
    except OSError:
        return Disk(str(directory), None)
