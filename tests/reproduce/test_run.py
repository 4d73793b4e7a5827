"""The runner, with small scripts of our own in place of reproducers; the interpreter is real, the stack need not be there."""

from __future__ import annotations

import ast
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from doctor.errors import DoctorError
from doctor.facts.observation import Observation
from doctor.probe.child import INSIDE
from doctor.reproduce import FOLDER, Observed, digest, reproducers, run_reproducers, shapes

SCRIPTS = {
    "reproduced": "return reproduced('KeyError: 1')",
    "not reproduced": "return not_reproduced('all equal')",
    "not applicable": "return not_applicable('no such API')",
}


def script(folder: Path, number: int, body: str) -> Path:
    path = folder / f"mt{number:03}_test.py"
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    path.write_text(f"import os, sys, time\nfrom _harness import not_applicable, not_reproduced, reproduced\n\n\ndef reproduce(workdir):\n{lines}\n")
    return path


def run(*scripts: Path, seconds: float = 20, jobs: int = 2) -> Observed:
    return run_reproducers(sys.executable, scripts, seconds=seconds, jobs=jobs)


def only(observed: Observed) -> Observation:
    (observation,) = observed.observations
    return observation


@pytest.mark.parametrize("verdict", SCRIPTS)
def test_a_verdict_comes_back_with_its_detail(tmp_path: Path, verdict: str) -> None:
    observation = only(run(script(tmp_path, 1, SCRIPTS[verdict])))
    assert (observation.id, observation.verdict) == ("MT001", verdict)
    assert observation.detail


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ("raise ValueError('no\\nmore')", "ValueError: no"),
        ("return None", "AttributeError"),
        ("os._exit(3)", "ended without a verdict: exit status 3"),
        ("os.kill(os.getpid(), 11)", "ended without a verdict: signal 11"),
        ("return type(reproduced(''))('maybe', '')", "it returned no verdict"),
        ("sys.exit(0)", "SystemExit"),
        ("import no_such_module", "ModuleNotFoundError"),
        ("bytearray(8 * 1024**3)\nreturn not_reproduced('')", "MemoryError"),
    ],
)
def test_anything_else_is_broken_with_the_reason(tmp_path: Path, body: str, detail: str) -> None:
    observation = only(run(script(tmp_path, 1, body)))
    assert observation.verdict == "broken"
    assert detail in observation.detail


def in_shapes(folder: Path, body: str) -> Path:
    path = script(folder, 1, body)
    text = path.read_text().replace("def reproduce(workdir):", "SHAPES = {'first': 'one', 'last': 'two'}\n\n\ndef reproduce(workdir, shape):")
    path.write_text(text)
    return path


def test_each_shape_is_run_alone_and_one_that_fails_is_enough(tmp_path: Path) -> None:
    path = in_shapes(tmp_path, "if shape == 'last':\n    return reproduced('left behind')\nos.environ['X'] = '1'\nreturn not_reproduced('fine')")
    assert shapes(path) == {"first": "one", "last": "two"}
    observation = only(run(path))
    assert (observation.verdict, observation.detail) == ("reproduced", "last: left behind")
    assert [(each.shape, each.verdict) for each in observation.shapes] == [("first", "not reproduced"), ("last", "reproduced")]


def test_a_shape_that_could_not_tell_clears_nothing(tmp_path: Path) -> None:
    observation = only(run(in_shapes(tmp_path, "if shape == 'last':\n    raise ValueError('no')\nreturn not_reproduced('fine')")))
    assert (observation.verdict, observation.detail) == ("broken", "last: ValueError: no")


@pytest.mark.parametrize(("right", "verdict"), [("not_reproduced('fine')", "reproduced"), ("reproduced('wrong too')", "broken")])
def test_the_right_way_beside_the_wrong_one_has_to_pass(tmp_path: Path, right: str, verdict: str) -> None:
    path = in_shapes(tmp_path, f"if shape == 'control':\n    return {right}\nreturn reproduced('left behind')")
    path.write_text(path.read_text().replace("'last': 'two'", "'control': 'the right way'"))
    assert only(run(path)).verdict == verdict


def test_where_the_api_is_missing_the_right_way_has_nothing_to_pass(tmp_path: Path) -> None:
    path = in_shapes(tmp_path, "return not_applicable('no device_map')")
    path.write_text(path.read_text().replace("'last': 'two'", "'control': 'the right way'"))
    assert only(run(path)).verdict == "not applicable"


def test_one_shape_can_be_asked_for(tmp_path: Path) -> None:
    observed = run_reproducers(sys.executable, [in_shapes(tmp_path, "return reproduced(shape)")], seconds=20, shape="last")
    assert [each.shape for each in only(observed).shapes] == ["last"]


def test_one_that_takes_too_long_is_ended_and_the_others_are_not(tmp_path: Path) -> None:
    hanging, quick = script(tmp_path, 1, "time.sleep(60)"), script(tmp_path, 2, SCRIPTS["reproduced"])
    started = time.monotonic()
    observed = run(hanging, quick, seconds=2)
    assert time.monotonic() - started < 20
    assert [(each.id, each.verdict) for each in observed.observations] == [("MT001", "broken"), ("MT002", "reproduced")]
    assert "its time was up" in observed.observations[0].detail


def test_what_a_reproducer_prints_does_not_mix_with_the_answers(tmp_path: Path) -> None:
    forged = {"script": "mt001_test.py", "verdict": "reproduced", "detail": "forged"}
    flood = f"import json\nprint(json.dumps({forged}))\nprint('x' * 3000000)\nreturn not_reproduced('')"
    assert only(run(script(tmp_path, 1, flood))).verdict == "not reproduced"


def test_a_reproducer_works_in_a_folder_of_its_own_that_is_gone_after(tmp_path: Path) -> None:
    said = only(
        run(script(tmp_path, 1, "open('x', 'w').close()\nreturn reproduced(os.getcwd() + ' ' + workdir + ' ' + os.path.expanduser('~'))"))
    ).detail
    here, workdir, home = said.split()
    assert here == workdir
    assert Path(home).parent == Path(here).parent
    assert not Path(here).exists()
    assert [path.name for path in tmp_path.iterdir()] == ["mt001_test.py"]


def test_it_is_offline_and_sees_no_gpu(tmp_path: Path) -> None:
    body = "return reproduced(os.environ['HF_HUB_OFFLINE'] + os.environ['TRANSFORMERS_OFFLINE'] + os.environ['CUDA_VISIBLE_DEVICES'])"
    assert only(run(script(tmp_path, 1, body))).detail == "11"


def test_neither_a_cache_of_the_user_nor_a_launcher_reaches_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With HF_HUB_CACHE set, transformers 4.46 wrote version.txt into that folder when imported."""
    caches = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "TRANSFORMERS_CACHE", "PYTORCH_TRANSFORMERS_CACHE")
    foreign = (*caches, "HF_TOKEN", "ACCELERATE_USE_FSDP", "WORLD_SIZE")
    for name in foreign:
        monkeypatch.setenv(name, str(tmp_path / "of the user"))
    body = f"return reproduced(repr([name for name in {foreign} if name in os.environ]) + os.environ['HF_HOME'])"
    detail = only(run(script(tmp_path, 1, body))).detail
    assert detail.startswith("[]")
    assert "of the user" not in detail


def test_reproducers_run_side_by_side(tmp_path: Path) -> None:
    scripts = [script(tmp_path, number, "time.sleep(1.5)\nreturn reproduced('')") for number in range(1, 5)]
    started = time.monotonic()
    run(*scripts, jobs=4)
    assert time.monotonic() - started < 5


def test_what_cannot_be_imported_is_said(tmp_path: Path) -> None:
    observed = run(script(tmp_path, 1, SCRIPTS["reproduced"]))
    for package in ("torch", "transformers", "accelerate"):
        assert observed.imports[package] is not None or "Error" in observed.import_errors[package]


def test_an_interpreter_that_is_none_leaves_every_script_broken(tmp_path: Path) -> None:
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\nexit 4\n")
    fake.chmod(0o755)
    observed = run_reproducers(str(fake), [script(tmp_path, 1, SCRIPTS["reproduced"])])
    assert only(observed).verdict == "broken"
    assert "exit status 4" in only(observed).detail


def test_a_digest_changes_with_the_script_and_with_its_helpers(tmp_path: Path) -> None:
    path = script(tmp_path, 1, SCRIPTS["reproduced"])
    helper = tmp_path / "_harness.py"
    helper.write_text("one = 1\n")
    first = digest(path)
    helper.write_text("one = 2\n")
    second = digest(path)
    path.write_text(path.read_text() + "\n")
    assert len({first, second, digest(path)}) == 3


def test_a_digest_changes_with_every_script_that_is_imported_wherever(tmp_path: Path) -> None:
    """One that borrows from another's script was kept as evidence when that one changed."""
    path = script(tmp_path, 2, "import mt001_test\nreturn mt001_test.reproduce(workdir)")
    lent = script(tmp_path, 1, SCRIPTS["reproduced"])
    first = digest(path)
    lent.write_text(lent.read_text() + "\n")
    assert digest(path) != first


def test_every_reproducer_is_of_an_advisory_and_names_it() -> None:
    from doctor.knowledge.matrix_file import builtin_matrix

    matrix = builtin_matrix()
    found = reproducers()
    assert len(found) >= 55
    assert len(found) == len(list(FOLDER.glob("mt*.py")))
    for advisory_id, path in found.items():
        assert matrix.advisory(advisory_id) is not None, path.name
        assert path.read_text("utf-8").startswith(f'"""{advisory_id}: '), path.name
        assert "to_empty" not in path.name or advisory_id in {"MT080", "MT081", "MT183"}


class Bare(ast.NodeTransformer):
    """What a reproducer does, without what it is called and what it says: no docstrings, no messages, no name of its own choosing."""

    SAYS = frozenset({"reproduced", "not_reproduced", "not_applicable", "AssertionError"})

    def __init__(self) -> None:
        self.names: dict[str, str] = {}

    def visit_Module(self, node: ast.Module) -> ast.AST:
        node.body = [self.visit(each) for each in node.body if not isinstance(each, ast.Import | ast.ImportFrom)]
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self.names.setdefault(node.id, f"name{len(self.names)}") if isinstance(node.ctx, ast.Store) else self.names.get(node.id, node.id)
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        return ast.Pass() if isinstance(node.value, ast.Constant) else self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name) and node.func.id in self.SAYS:
            node.args = []
        return self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        if isinstance(node.targets[0], ast.Name) and node.targets[0].id == "SHAPES" and isinstance(node.value, ast.Dict):
            node.value.values = [ast.Constant(None) for _ in node.value.values]
        return self.generic_visit(node)


def test_no_two_reproducers_are_the_same_code() -> None:
    """One that is would reproduce for the reason of the other."""
    does: dict[str, str] = {}
    for advisory_id, path in reproducers().items():
        code = ast.dump(Bare().visit(ast.parse(path.read_text("utf-8"))))
        assert code not in does, f"{advisory_id} does what {does[code]} does"
        does[code] = advisory_id


def test_what_a_reproducer_says_does_not_make_it_another() -> None:
    text = '"""{0}: a title."""\n\n\ndef reproduce(workdir):\n    {1} = 1\n    if {1} == {2}:\n        return reproduced("{0}: it {3}")\n'
    said = (("MT001", "left", 1, "failed"), ("MT002", "found", 1, "did not work"), ("MT003", "left", 2, "failed"))
    first, second, third = (ast.dump(Bare().visit(ast.parse(text.format(*each)))) for each in said)
    assert first == second != third


@pytest.mark.parametrize("path", sorted({*FOLDER.glob("[_m]*.py"), *INSIDE.glob("*.py")} - {FOLDER / "__init__.py"}), ids=lambda path: path.name)
def test_what_runs_in_the_patient_is_python_3_8(path: Path) -> None:
    ast.parse(path.read_text("utf-8"), feature_version=(3, 8))


def test_no_helper_of_ours_is_left_running(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    body = f"pid = os.fork()\nif pid == 0:\n    time.sleep(60)\nopen({str(pid_file)!r}, 'w').write(str(pid))\nreturn reproduced('')"
    run(script(tmp_path, 1, body))
    with contextlib.suppress(psutil.NoSuchProcess):
        left = psutil.Process(int(pid_file.read_text()))
        psutil.wait_procs([left], timeout=3)
        assert not left.is_running() or left.status() == psutil.STATUS_ZOMBIE


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children that doctor was killed")
def test_nothing_is_left_of_a_doctor_that_was_killed(tmp_path: Path) -> None:
    temporary, begun = tmp_path / "tmp", tmp_path / "begun"
    temporary.mkdir()
    hangs = script(tmp_path, 1, f"open({str(begun)!r}, 'w').close()\ntime.sleep(60)")
    code = f"import pathlib, sys\nfrom doctor.reproduce import run_reproducers\nrun_reproducers(sys.executable, [pathlib.Path({str(hangs)!r})])"
    process = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "TMPDIR": str(temporary)})
    deadline = time.monotonic() + 30
    while not begun.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert list(temporary.iterdir())
    process.kill()
    process.wait()
    while list(temporary.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert list(temporary.iterdir()) == []


def test_without_a_temporary_folder_it_says_so(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    with pytest.MonkeyPatch.context() as patch, pytest.raises(DoctorError, match="no temporary folder"):
        patch.setattr(tempfile, "tempdir", str(gone))
        run(script(tmp_path, 1, "return None"))
