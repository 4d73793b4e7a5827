"""RAM and the limits this process really has, from recorded control groups and a real limit."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from doctor.facts.environment import Memory
from doctor.probe.memory import cgroup_limits, examine_disk, examine_memory, meminfo, memory_under

GB = 1024**3
V1_UNLIMITED = 9223372036854771712
"""What v1 writes where there is no limit."""


def recorded(root: Path, files: Mapping[str, object]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content if isinstance(content, str) else f"{content}\n")
    return root


def test_version_2_with_a_limit(tmp_path: Path) -> None:
    files = {"user.slice/app.scope/memory.max": 4 * GB, "user.slice/app.scope/memory.current": GB}
    assert list(cgroup_limits("0::/user.slice/app.scope\n", recorded(tmp_path, files))) == [(4 * GB, "cgroup v2", GB)]


def test_version_1_with_a_limit(tmp_path: Path) -> None:
    membership = "12:cpu,cpuacct:/docker/c0ffee\n7:memory:/docker/c0ffee\n1:name=systemd:/docker/c0ffee\n"
    files = {"memory/docker/c0ffee/memory.limit_in_bytes": 2 * GB, "memory/docker/c0ffee/memory.usage_in_bytes": GB}
    assert list(cgroup_limits(membership, recorded(tmp_path, files))) == [(2 * GB, "cgroup v1", GB)]


def test_memory_may_be_one_of_several_controllers_of_version_1(tmp_path: Path) -> None:
    recorded(tmp_path, {"memory/a/memory.limit_in_bytes": GB})
    assert list(cgroup_limits("3:cpuset,memory:/a\n", tmp_path)) == [(GB, "cgroup v1", None)]


def test_every_group_above_counts_and_the_smallest_wins(tmp_path: Path) -> None:
    """A Kubernetes pod: the container has no limit of its own, the pod has, and the node reserves some for itself."""
    files = {
        "kubepods.slice/memory.max": 60 * GB,
        "kubepods.slice/memory.current": 40 * GB,
        "kubepods.slice/pod7.slice/memory.max": 8 * GB,
        "kubepods.slice/pod7.slice/memory.current": 3 * GB,
        "kubepods.slice/pod7.slice/cri-1.scope/memory.max": "max\n",
        "kubepods.slice/pod7.slice/cri-1.scope/memory.current": 3 * GB,
    }
    limits = list(cgroup_limits("0::/kubepods.slice/pod7.slice/cri-1.scope\n", recorded(tmp_path, files)))
    assert [limit for limit, _, _ in limits] == [8 * GB, 60 * GB]
    assert memory_under(64 * GB, 30 * GB, limits) == Memory(64 * GB, 5 * GB, 8 * GB, "cgroup v2")


@pytest.mark.parametrize("membership", ["0::/\n", "0::/docker/of-the-host\n", "0::/../../of-the-host\n"])
def test_inside_a_container_its_own_group_is_the_root(tmp_path: Path, membership: str) -> None:
    assert list(cgroup_limits(membership, recorded(tmp_path, {"memory.max": GB, "memory.current": 0}))) == [(GB, "cgroup v2", 0)]


def test_inside_a_container_of_version_1_its_own_group_is_the_root(tmp_path: Path) -> None:
    recorded(tmp_path, {"memory/memory.limit_in_bytes": GB, "memory/memory.usage_in_bytes": 5})
    assert list(cgroup_limits("4:memory:/docker/of-the-host\n", tmp_path)) == [(GB, "cgroup v1", 5)]


@pytest.mark.parametrize("content", ["max\n", "", "\n", "garbage", "-1", "1.5e9", "9" * 5000, "\0\0", str(V1_UNLIMITED)])
def test_what_is_no_limit_is_none(tmp_path: Path, content: str) -> None:
    recorded(tmp_path, {"a/memory.max": content, "memory/a/memory.limit_in_bytes": content})
    assert list(cgroup_limits("0::/a\n4:memory:/a\n", tmp_path)) == []


@pytest.mark.parametrize("membership", ["", "\n", "garbage", "0:", "0::", ":::", "x:memory", "0::/a/b/c\n" * 3])
def test_a_membership_that_says_nothing_is_no_limit(tmp_path: Path, membership: str) -> None:
    assert list(cgroup_limits(membership, tmp_path)) == []


@pytest.mark.parametrize(
    ("membership", "folder", "usage", "stat"),
    [
        ("0::/\n", "", "memory.current", "anon 5\ninactive_file {cached}\nactive_file 3\n"),
        ("4:memory:/\n", "memory/", "memory.usage_in_bytes", "inactive_file 3\ntotal_inactive_file {cached}\n"),
    ],
    ids=["v2", "v1"],
)
def test_cached_files_are_not_in_the_way(tmp_path: Path, membership: str, folder: str, usage: str, stat: str) -> None:
    """After reading a checkpoint a container's memory looks full, but most of that is given up on demand."""
    limit = "memory.limit_in_bytes" if folder else "memory.max"
    recorded(tmp_path, {folder + limit: 8 * GB, folder + usage: 7 * GB, folder + "memory.stat": stat.format(cached=6 * GB)})
    ((_, _, used),) = cgroup_limits(membership, tmp_path)
    assert used == GB


def test_a_statistic_that_makes_no_sense_is_left_out(tmp_path: Path) -> None:
    recorded(tmp_path, {"memory.max": 8 * GB, "memory.current": GB, "memory.stat": f"inactive_file {2 * GB}\ninactive_file many\n"})
    assert list(cgroup_limits("0::/\n", tmp_path)) == [(8 * GB, "cgroup v2", 0)]


@pytest.mark.parametrize(
    ("total", "available", "limits", "expected"),
    [
        (16 * GB, 8 * GB, [], Memory(16 * GB, 8 * GB, None, None)),
        (16 * GB, 8 * GB, [(16 * GB, "a", 0)], Memory(16 * GB, 8 * GB, None, None)),
        (16 * GB, 8 * GB, [(32 * GB, "a", 0)], Memory(16 * GB, 8 * GB, None, None)),
        (16 * GB, 8 * GB, [(4 * GB, "a", GB)], Memory(16 * GB, 3 * GB, 4 * GB, "a")),
        (16 * GB, 2 * GB, [(4 * GB, "a", GB)], Memory(16 * GB, 2 * GB, 4 * GB, "a")),
        (16 * GB, 8 * GB, [(4 * GB, "a", 5 * GB)], Memory(16 * GB, 0, 4 * GB, "a")),
        (16 * GB, 8 * GB, [(4 * GB, "RLIMIT_AS", None)], Memory(16 * GB, 4 * GB, 4 * GB, "RLIMIT_AS")),
        (16 * GB, 8 * GB, [(6 * GB, "a", 5 * GB), (4 * GB, "b", GB)], Memory(16 * GB, GB, 4 * GB, "b")),
        (16 * GB, 8 * GB, [(4 * GB, "a", None), (4 * GB, "a", GB)], Memory(16 * GB, 3 * GB, 4 * GB, "a")),
        (None, None, [], Memory(None, None, None, None)),
        (None, None, [(4 * GB, "a", GB)], Memory(None, 3 * GB, 4 * GB, "a")),
        (None, None, [(4 * GB, "a", None)], Memory(None, None, 4 * GB, "a")),
    ],
)
def test_the_least_limit_below_the_total_binds(
    total: int | None, available: int | None, limits: list[tuple[int, str, int | None]], expected: Memory
) -> None:
    assert memory_under(total, available, limits) == expected


def test_windows_and_macos_have_no_control_groups() -> None:
    """There /proc/self/cgroup cannot be read, which counts as empty; the machine's RAM is then all there is."""
    assert list(cgroup_limits("", Path("/sys/fs/cgroup"))) == []
    assert memory_under(16 * GB, 9 * GB, []) == Memory(16 * GB, 9 * GB, None, None)


def test_this_machine_has_memory() -> None:
    memory = examine_memory()
    assert memory.total is not None
    assert memory.available is not None
    assert 0 < memory.available <= memory.total


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("MemTotal:       16384 kB\nMemFree:  1 kB\nMemAvailable:    8192 kB\n", (16 * 1024**2, 8 * 1024**2)),
        ("MemTotal:       16384 kB\nMemFree:  1 kB\n", None),
        ("MemTotal:\nMemAvailable: many\n", None),
        ("", None),
    ],
)
def test_what_linux_says_of_its_memory(tmp_path: Path, text: str, expected: tuple[int, int] | None) -> None:
    (tmp_path / "meminfo").write_text(text)
    assert meminfo(tmp_path / "meminfo") == expected
    assert meminfo(tmp_path / "not-there") is None


@pytest.mark.skipif(sys.platform != "linux", reason="macOS does not hold processes to RLIMIT_AS")
def test_a_real_limit_on_the_address_space_is_found() -> None:
    code = """
import json, resource
resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
from doctor.probe.memory import examine_memory
memory = examine_memory()
print(json.dumps([memory.limit, memory.limit_source, memory.available]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    limit, source, available = json.loads(done.stdout)
    assert (limit, source) == (GB, "RLIMIT_AS")
    assert available <= GB


def test_the_disk_is_the_one_under_the_folder(tmp_path: Path) -> None:
    disk = examine_disk(tmp_path)
    assert disk.path == str(tmp_path)
    assert disk.free is not None
    assert disk.free > 0


def test_a_folder_that_is_gone_leaves_the_disk_unknown(tmp_path: Path) -> None:
    assert examine_disk(tmp_path / "gone").free is None
