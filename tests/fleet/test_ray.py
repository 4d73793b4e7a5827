"""On a real Ray cluster of four raylets on this machine: nodes with other environments, busy, hung, dying and dead; and work given to it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import venv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from doctor.fleet.nodes import reported
from tests.commands.test_triage import corpus, rows_in
from tests.conftest import Doctor, Ran
from tests.stacks import python_in

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="stops and kills processes by signals")
PROGRAMS = Path(__file__).parent.parent / "programs"
TOKEN = "hf_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZ01234567"
LOOPBACK = {
    **os.environ,
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_CLIENT_SERVER_CHECK_CHANNEL_TIMEOUT_S": "120",
}
"""Without the first Ray takes 127.0.0.1 for another name of the machine's own address; the last is how long a busy machine may take."""


def has_ray() -> bool:
    import importlib.util

    return importlib.util.find_spec("ray") is not None


@dataclass
class Running:
    """A cluster that runs, and what doctor is told of it."""

    address: str
    client: str | None
    """For Ray's client; None where grpcio is not installed, which that takes."""
    raylets: list[int]

    def doctor(self, *arguments: object, at: str | None = None) -> Ran:
        command = [sys.executable, "-m", "doctor", *map(str, arguments), "--ray", at or self.address]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=LOOPBACK, timeout=300)
        return Ran(done.returncode, done.stdout, done.stderr)

    def fleet(self, *arguments: object) -> Any:
        ran = self.doctor("fleet", "--format", "json", *arguments)
        assert ran.err == ""
        return ran.json

    @contextlib.contextmanager
    def busy(self) -> Iterator[None]:
        """While others have all CPUs of the cluster."""
        command = [sys.executable, str(PROGRAMS / "ray_work.py"), self.address, "busy"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=LOOPBACK) as others:
            assert others.stdout is not None and others.stdin is not None
            assert others.stdout.readline() == "busy\n"
            yield
            others.stdin.close()


def environment_with(folder: Path, transformers: str) -> Path:
    """A venv that has a record of transformers."""
    venv.create(folder, with_pip=False)
    (site,) = folder.glob("lib/python*/site-packages")
    record = site / f"transformers-{transformers}.dist-info"
    record.mkdir()
    (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: transformers\nVersion: {transformers}\n")
    (site / "transformers").mkdir()
    (site / "transformers" / "__init__.py").write_text(f'__version__ = "{transformers}"\n')
    return python_in(folder)


@contextlib.contextmanager
def running(nodes: Sequence[Mapping[str, str]]) -> Iterator[Running]:
    """A cluster of nodes that have these variables."""
    if not has_ray():
        pytest.skip("Ray has no release for this Python")
    command = [sys.executable, str(PROGRAMS / "ray_cluster.py"), json.dumps(nodes)]
    started = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=LOOPBACK)
    assert started.stdin is not None and started.stdout is not None
    try:
        said = next(line for line in started.stdout if line.startswith("{"))
        yield Running(**json.loads(said))
    finally:
        children = psutil.Process(started.pid).children(recursive=True) if started.poll() is None else []
        started.stdin.close()
        started.wait(60)
        started.stdout.close()
        for each in children:
            if each.is_running():
                each.kill()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Four nodes: two alike, one with another transformers, one whose Python hangs where it is asked for as $SOME."""
    folder = tmp_path_factory.mktemp("ray")
    usual, other = environment_with(folder / "usual", "4.51.3"), environment_with(folder / "other", "4.53.1")
    hangs = program(folder / "hangs" / "python", "exec sleep 600")
    nodes = [{"THIS": str(each), "SOME": str(some)} for each, some in ((usual, usual), (usual, usual), (other, usual), (usual, hangs))]
    with running([{**each, "HF_TOKEN": TOKEN} for each in nodes]) as found:
        yield found


@pytest.fixture(scope="module")
def short_of_memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Two nodes; on the second Ray finds at any time that too much memory is in use, and ends whatever runs there."""
    folder = tmp_path_factory.mktemp("memory")
    killed = program(folder / "killed" / "python", "exec >/dev/null; kill -9 $$")
    starved = program(folder / "starved" / "python", f'ulimit -v 9000; exec {sys.executable} "$@"')
    full = {"RAY_memory_usage_threshold": "0.0001", "RAY_memory_monitor_refresh_ms": "100"}
    with running([{"KILLED": str(killed), "STARVED": str(starved)}, full]) as found:
        yield found


def program(file: Path, lines: str) -> Path:
    """A shell script that is taken for an interpreter."""
    file.parent.mkdir()
    file.write_text(f"#!/bin/sh\n{lines}\n")
    file.chmod(0o755)
    return file


def test_each_node_of_a_busy_cluster_is_asked_for_the_interpreter_of_the_jobs(cluster: Running) -> None:
    with cluster.busy():
        report = cluster.fleet("--python", "$THIS", "--model", "not/here")
    assert report["answer"] == "4 nodes: 3 alike; node-2: transformers 4.53.1 against 4.51.3."
    assert [(each["rule"], each["members"]["count"]) for each in report["findings"]] == [("checkpoint-not-here", 4)]
    assert (report["kind"], report["total"], report["exit_code"]) == ("ray", 4, 1)
    assert TOKEN not in json.dumps(report)
    others = cluster.fleet("--redact", "--runtime-env", '{"env_vars": {"USE_TORCH": "1"}}')
    names = [name for each in others["groups"] for name in each["members"]["names"]]
    assert all(re.fullmatch("id [0-9a-f]{8}", each) for each in names)
    assert {each["environment"]["variables"]["USE_TORCH"] for each in others["groups"]} == {"1"}


def test_a_cluster_is_reached_by_its_client_address_too(cluster: Running, doctor: Doctor, tmp_path: Path) -> None:
    if cluster.client is None:
        pytest.skip("grpcio is not installed")
    ran = cluster.doctor("fleet", "--python", "$THIS", at=cluster.client)
    assert " ".join(ran.out.partition("\n\n")[0].split()) == "4 nodes: 3 alike; node-2: transformers 4.53.1 against 4.51.3."
    assert cluster.doctor("triage", corpus(tmp_path), "--output", tmp_path / "there.jsonl", at=cluster.client).code == 1
    doctor("triage", corpus(tmp_path), "--output", tmp_path / "here.jsonl")
    assert rows_in(tmp_path / "there.jsonl") == rows_in(tmp_path / "here.jsonl")


def test_what_the_client_address_takes_is_said_in_one_line(doctor: Doctor, tmp_path: Path) -> None:
    if not has_ray():
        pytest.skip("Ray has no release for this Python")
    (tmp_path / "grpc.py").write_text("raise ImportError\n")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ran = doctor("fleet", "--ray", f"ray://127.0.0.1:{listening.getsockname()[1]}", variables={"PYTHONPATH": str(tmp_path)})
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert "no cluster that can be used: " in ran.err
    assert "ray[client]" in ran.err


def test_a_node_that_is_short_of_memory_is_a_result(short_of_memory: Running) -> None:
    report = short_of_memory.fleet()
    silent = {name: each["reason"] for each in report["silent"] for name in each["members"]["names"]}
    assert silent == {"node-1": "it is short of memory: Ray ended the worker that was asked"}
    assert report["total"] == 2
    for interpreter, reason in (("$KILLED", "(ended with SIGKILL)"), ("$STARVED", "starved/python is not a working Python interpreter")):
        silent = {name: each["reason"] for each in short_of_memory.fleet("--python", interpreter)["silent"] for name in each["members"]["names"]}
        assert silent.keys() == {"node-0", "node-1"}
        assert reason in silent["node-0"]


def test_texts_that_a_node_has_no_memory_for_are_explained_on_another(short_of_memory: Running, doctor: Doctor, tmp_path: Path) -> None:
    assert short_of_memory.doctor("triage", corpus(tmp_path, 10), "--output", tmp_path / "there.jsonl").code == 1
    doctor("triage", corpus(tmp_path, 10), "--output", tmp_path / "here.jsonl")
    assert rows_in(tmp_path / "there.jsonl") == rows_in(tmp_path / "here.jsonl")


def test_work_is_shared_and_what_ends_its_worker_costs_no_other(cluster: Running, doctor: Doctor, tmp_path: Path) -> None:
    ran = cluster.doctor("triage", corpus(tmp_path, 3), "--output", tmp_path / "there.jsonl")
    here = doctor("triage", corpus(tmp_path, 3), "--output", tmp_path / "here.jsonl")
    assert (ran.code, ran.out) == (here.code, here.out)
    assert rows_in(tmp_path / "there.jsonl") == rows_in(tmp_path / "here.jsonl")
    command = [sys.executable, str(PROGRAMS / "ray_work.py"), cluster.address]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=LOOPBACK, timeout=120)
    assert json.loads(done.stdout) == [-5 if number == 5 else number * number for number in range(20)]


def test_nodes_that_hang_die_or_are_dead_are_results(cluster: Running) -> None:
    """The last test of the cluster: of its nodes one is stopped, and one killed while it is asked."""
    os.kill(cluster.raylets[1], signal.SIGSTOP)
    try:
        command = [sys.executable, "-m", "doctor", "fleet", "--ray", cluster.address, "--python", "$SOME", "--timeout", "12", "--format", "json"]
        asking = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=LOOPBACK)
        _wait_for_child(cluster.raylets[3], "sleep")
        for each in (psutil.Process(cluster.raylets[3]), *psutil.Process(cluster.raylets[3]).children(recursive=True)):
            each.kill()
        said = json.loads(asking.communicate(timeout=60)[0])
    finally:
        os.kill(cluster.raylets[1], signal.SIGCONT)
    silent = {name: each["reason"] for each in said["silent"] for name in each["members"]["names"]}
    assert silent.pop("node-1") == "no answer in 12 s"
    (gone,) = silent.items()
    assert gone[0] == "node-3"
    assert "died" in gone[1] or "dead" in gone[1]
    assert (said["total"], said["alike"], said["exit_code"]) == (4, 2, 1 if said["concerning_all"] else 2)


def _wait_for_child(raylet: int, name: str) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if any(each.name() == name for each in psutil.Process(raylet).children(recursive=True)):
            return
        time.sleep(0.05)
    raise AssertionError(f"no {name} below the raylet")


def test_a_report_is_masked_before_it_leaves_its_node() -> None:
    report, problem = reported(sys.executable, "/home/adaexample/llm", 60)
    assert problem is None
    assert json.loads(report)["checkpoint"]["name"] == "/home/<user-2>/llm"
    assert b"adaexample" not in report


def test_a_node_without_doctor_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(environment_with(tmp_path, "4.51.3")))
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.chdir(tmp_path)
    assert reported(None, None, 60) == (b"", "doctor is not installed there: --runtime-env '{\"pip\": [...]}' puts it there for the time")


def test_an_examination_that_does_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(program(tmp_path / "bin" / "python", "exec sleep 600")))
    assert reported(None, None, 1) == (b"", "no answer in 1 s")
    assert [each for each in psutil.Process().children(recursive=True) if each.name() == "sleep"] == []


def test_an_examination_that_is_killed_says_by_what(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(program(tmp_path / "bin" / "python", "kill -9 $$")))
    assert reported(None, None, 60) == (b"", "its examination was ended by signal 9, as the system does for want of memory")


def test_where_nothing_answers_it_says_so_at_once(doctor: Doctor) -> None:
    if not has_ray():
        pytest.skip("Ray has no release for this Python")
    ran = doctor("fleet", "--ray", "127.0.0.1:1")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("doctor: --ray 127.0.0.1:1: nothing answers there: ")


@pytest.mark.parametrize("command", [("fleet",), ("triage", ".")])
def test_without_ray_it_says_how_to_get_it(command: tuple[str, ...], doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "ray.py").write_text("raise ImportError\n")
    ran = doctor(*command, "--ray", "auto", variables={"PYTHONPATH": str(tmp_path)})
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "doctor: --ray: takes Ray: pip install 'meta-tensor-doctor[ray]', the release that the cluster runs\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "name either the reports"),
        (("--ray", "auto", "--reports", "."), "name either the reports"),
        (("--reports", ".", "--python", "x"), "--python: only with --ray"),
        (("--ray", "auto", "--runtime-env", "[1]"), "--runtime-env: expected a JSON object"),
        (("--ray", "auto", "--runtime-env", "."), "or a file of one: a folder, not a file"),
    ],
)
def test_what_does_not_go_together(arguments: tuple[str, ...], complaint: str, doctor: Doctor) -> None:
    ran = doctor("fleet", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert complaint in ran.err


@pytest.mark.parametrize("text", ['{"env_vars": {"HF_TOKEN": "%s"}', '"env_vars": {"HF_TOKEN": "%s"}', '["%s"]'])
def test_a_runtime_environment_that_is_none_is_not_shown(text: str, doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "file.json").write_text(text % TOKEN)
    for given in (text % TOKEN, "file.json"):
        ran = doctor("fleet", "--ray", "auto", "--runtime-env", given, cwd=tmp_path)
        assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
        assert "--runtime-env: expected a JSON object" in ran.err
        assert TOKEN not in ran.err


def test_nothing_of_ray_is_imported_without_being_asked_for(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "ray.py").write_text("raise SystemExit('imported')\n")
    assert doctor("check", "--no-live", "--python", sys.executable, variables={"PYTHONPATH": str(tmp_path)}).err == ""
