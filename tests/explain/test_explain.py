"""doctor explain, run and the hook: the real command on real tracebacks, raised on the spot in real environments."""

from __future__ import annotations

import gzip
import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from doctor import explain_exception
from doctor.reports.json import published_schemas
from tests.conftest import Doctor
from tests.stacks import python_in

PROGRAMS = Path(__file__).parents[1] / "programs" / "failing.py"
META = "NotImplementedError: Cannot copy out of meta tensor; no data!"
TRAINER = f"""\
Traceback (most recent call last):
  File "finetune.py", line 12, in <module>
    trainer = Trainer(model=model)
  File "/opt/venv/lib/python3.11/site-packages/transformers/trainer.py", line 498, in __init__
    self._move_model_to_device(model, args.device)
  File "/opt/venv/lib/python3.11/site-packages/transformers/trainer.py", line 740, in _move_model_to_device
    model = model.to(device)
  File "/opt/venv/lib/python3.11/site-packages/torch/nn/modules/module.py", line 1145, in to
    return self._apply(convert)
{META}
"""

Explain = Callable[..., Any]


@pytest.fixture(scope="module")
def schema() -> Any:
    return json.loads(published_schemas()["explanation.schema.json"])


@pytest.fixture
def explain(doctor: Doctor, tmp_path: Path, schema: Any) -> Explain:
    """Explain a text as JSON, held against the published schema and the exit code."""

    def run(text: str, *arguments: object, name: str = "pasted.txt") -> Any:
        (tmp_path / name).write_text(text, "utf-8")
        ran = doctor("explain", name, "--format", "json", *arguments, cwd=tmp_path)
        jsonschema.validate(ran.json, schema)
        assert ran.json["exit_code"] == ran.code
        return ran.json

    return run


def cause(explained: Any, number: int = 0) -> Any:
    return explained["failures"][number]["causes"][0]


# Real failures


@pytest.fixture(scope="session")
def tracebacks(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, str]]:
    """The tracebacks of the failing programs in a stack, by program, each below a line with the stack's versions."""
    made: dict[str, dict[str, str]] = {}

    def in_stack(stack: str) -> dict[str, str]:
        if stack not in made:
            command = [python_in(request.getfixturevalue(stack)), PROGRAMS, tmp_path_factory.mktemp(stack)]
            done = subprocess.run(command, capture_output=True, encoding="utf-8", env={**os.environ, "HF_HUB_OFFLINE": "1"}, check=True, timeout=300)
            versions, *programs = done.stdout.split("=== ")
            made[stack] = {program.partition("\n")[0]: versions + program.partition("\n")[2] for program in programs}
        return made[stack]

    return in_stack


RAISED = (
    ("old_stack", "move_an_offloaded_model", "offload-then-move", "MT072"),
    ("old_stack", "train_an_offloaded_model", "offload-then-move", "MT072"),
    ("old_stack", "load_in_meta_context", "nonpersistent-buffers", None),
    ("old_stack", "save_an_offloaded_model", "convert-save-offloaded", None),
    ("middle_stack", "move_an_offloaded_model", "offload-then-move", "MT072"),
    ("middle_stack", "load_in_meta_context", "explicit-meta", "MT038"),
    ("middle_stack", "load_a_model_that_loads_another", "value-read-in-init", "MT007"),
    ("middle_stack", "load_a_model_that_reads_a_value", "value-read-in-init", None),
    ("middle_stack", "save_an_offloaded_model", "convert-save-offloaded", None),
    ("middle_stack", "load_in_threads", "thread-race", "MT002"),
    ("current_stack", "move_an_offloaded_model", "offload-then-move", "MT072"),
    ("current_stack", "load_in_meta_context", "explicit-meta", "MT038"),
    ("current_stack", "load_a_model_that_loads_another", "nested-load", None),
    ("current_stack", "load_a_model_that_reads_a_value", "value-read-in-init", None),
    ("current_stack", "save_an_offloaded_model", "convert-save-offloaded", None),
    ("old_stack", "run_a_tied_model_from_the_disk", "dispatch-crash", "MT050"),
    ("middle_stack", "run_a_tied_model_from_the_disk", "dispatch-crash", None),
    ("current_stack", "put_layers_on_a_disk_without_a_folder", "disk-offload-refused", None),
    ("current_stack", "attend_with_offloaded_weights", "forward-bypasses-hook", "MT071"),
    ("current_stack", "dispatch_a_checkpoint_that_lacks_a_weight", "dispatch-missing-value", None),
    ("old_stack", "load_a_state_dict_that_lacks_a_layer", "wrong-checkpoint", None),
    ("current_stack", "load_the_state_dict_of_a_model_on_meta", "bad-source-state-dict", None),
    ("current_stack", "load_a_state_dict_that_holds_a_tied_weight_once", "tied-weight-not-stored", None),
    ("current_stack", "load_experts_by_their_names", "weight-conversion-fault", None),
    ("old_stack", "run_on_meta_what_has_no_kernel_there", "meta-op-unsupported", None),
    ("current_stack", "give_memory_to_a_tied_model", "ties-lost", None),
    ("current_stack", "shard_and_run_without_values", "meta-init-incomplete", None),
    ("old_stack", "load_with_a_word_that_is_no_device", "device-map-refused", None),
    ("current_stack", "load_a_model_without_post_init", "model-code-too-old", "MT020"),
    ("middle_stack", "load_a_checkpoint_without_a_map", "explicit-meta", "MT065"),
    ("current_stack", "load_a_checkpoint_without_a_map", "explicit-meta", "MT065"),
    ("old_stack", "train_a_model_with_a_new_head", "new-weights-uninitialised", "MT014"),
)
"""By stack and program: the cause and the advisory that are named first."""


@pytest.mark.parametrize(("stack", "program", "expected", "advisory"), RAISED)
def test_the_cause_of_a_real_traceback(
    explain: Explain, tracebacks: Callable[[str], dict[str, str]], stack: str, program: str, expected: str, advisory: str | None
) -> None:
    explained = explain(tracebacks(stack)[program])
    assert (cause(explained)["cause"], cause(explained)["advisory"]) == (expected, advisory)
    assert cause(explained)["confidence"] >= 0.5
    assert explained["environment"]["packages"]["transformers"]["version"]


@pytest.mark.parametrize(
    ("stack", "programs"),
    [
        ("old_stack", {"load_a_model_that_loads_another", "load_a_model_that_reads_a_value", "load_in_threads", "load_experts_by_their_names"}),
        ("current_stack", {"load_in_threads", "load_a_checkpoint_without_an_added_layer"}),
    ],
)
def test_what_does_not_fail_in_a_stack_shows_no_failure(
    explain: Explain, tracebacks: Callable[[str], dict[str, str]], stack: str, programs: set[str]
) -> None:
    for program in programs:
        assert explain(tracebacks(stack)[program])["exit_code"] == 0


@pytest.mark.parametrize(
    ("stack", "program"),
    [("old_stack", "load_a_checkpoint_without_an_added_layer"), ("middle_stack", "load_a_tied_checkpoint_that_holds_only_the_head")],
)
def test_a_weight_missing_without_a_trace_of_why_is_left_in_doubt(
    explain: Explain, tracebacks: Callable[[str], dict[str, str]], stack: str, program: str
) -> None:
    """The traceback of a plain .to() does not tell an offloaded model from an incomplete one: both are named, with what would settle it."""
    explained = explain(tracebacks(stack)[program])
    (failure,) = explained["failures"]
    assert failure["outcome"] == "doubtful"
    assert {"wrong-checkpoint", "offload-then-move"} <= {each["cause"] for each in failure["causes"]}
    assert all(each["upgrade"] is None for each in failure["causes"])
    assert any("hf_device_map" in each for each in explained["send"])


# What is said


def test_a_cause_says_why_what_to_do_and_what_not(explain: Explain) -> None:
    found = cause(explain(TRAINER))
    assert (found["cause"], found["kind"], found["upgrade"]) == ("offload-then-move", "resource", None)
    assert "Trainer" in found["because"][0]
    assert "device_map" in found["remedy"]
    assert "to_empty" in found["avoid"]
    assert "hf_device_map" in found["settle"]


@pytest.mark.parametrize("text", ["all went well\n" * 50, "transformers 4.46.3\ntorch 2.4.1\n"])
def test_a_text_without_a_failure_exits_0(explain: Explain, text: str) -> None:
    assert explain(text)["failures"] == []


def test_an_unrelated_failure_is_not_blamed_on_meta(explain: Explain) -> None:
    text = 'Using fsdp and 4 threads, device_map="auto"\nTraceback (most recent call last):\n  File "x.py", line 1, in <module>\n    open("y")\n'
    explained = explain(text + "FileNotFoundError: [Errno 2] No such file or directory: 'y'\n")
    assert [(failure["outcome"], failure["foreign"]) for failure in explained["failures"]] == [("not-ours", "missing-file")]


@pytest.mark.parametrize(
    ("transformers", "advisory"),
    [("4.51.3", "MT002"), ("4.57.6", "MT002"), ("5.0.0", None), ("4.49.0", "MT003")],
)
def test_a_release_without_the_bug_is_not_blamed_on_it(explain: Explain, transformers: str, advisory: str | None) -> None:
    found = cause(explain(f"transformers=={transformers}\ntorch==2.6.0\naccelerate==1.6.0\nIt fails in 4 threads at once:\n{META}\n"))
    assert found["cause"] == "thread-race"
    assert found["advisory"] == advisory


def test_an_upgrade_is_named_only_when_it_clears_the_advisory(explain: Explain) -> None:
    text = f"accelerate==0.30.0\ntorch==2.1.2\ntransformers==4.40.0\nload_and_quantize_model cannot load the bias\n{META}\n"
    found = cause(explain(text))
    assert found["advisory"] == "MT096"
    assert found["upgrade"]["package"] == "accelerate"
    assert "MT096" in found["upgrade"]["clears"]
    assert cause(explain(text.replace("accelerate==0.30.0\n", "")))["upgrade"] is None


@pytest.mark.parametrize(
    "text",
    [
        f'{META}\nI got it to work with model.to_empty(device="cuda")\n',
        f"{META}\nJust use to_empty() and it works\n",
        f"{META} Please use torch.nn.Module.to_empty() instead of torch.nn.Module.to() when moving module from meta to a different device.\n",
    ],
)
def test_advice_that_destroys_weights_is_warned_of(explain: Explain, text: str) -> None:
    (warning,) = explain(text)["warnings"]
    assert "weight" in warning


DATED = """\
Traceback (most recent call last):
  File "/srv/app/run.py", line 7, in <module>
    model = AutoModelForCausalLM.from_pretrained("x", device_map="auto")
  File "/opt/venv/lib/python3.11/site-packages/accelerate/big_modeling.py", line 456, in wrapper
    raise RuntimeError("You can't move a model that has some modules offloaded to cpu or disk.")
ValueError: You are trying to offload the whole model to the disk. Please use the `disk_offload` function instead.
"""
"""Its frame is of one of eight releases of accelerate."""


def test_releases_of_which_one_ran_are_said_to_be_several(explain: Explain, doctor: Doctor, tmp_path: Path) -> None:
    found = cause(explain(DATED))
    assert "accelerate is one of 8 releases from 0.33.0 to 1.1.1, all of which have MT070" in found["because"]
    assert found["upgrading"] == "MT070 is fixed in accelerate 1.15.0."
    assert "None" not in doctor("explain", tmp_path / "pasted.txt").out


def test_a_version_is_asked_for_only_where_it_is_not_known(explain: Explain) -> None:
    text = "ValueError: You are trying to offload the whole model to the disk. Please use the `disk_offload` function instead.\n"
    assert cause(explain(text))["upgrading"] == "MT070 is fixed in accelerate 1.15.0; which accelerate ran is not known."
    assert "not known" not in cause(explain(f"accelerate==1.0.1\n{text}"))["upgrading"]


def test_what_is_here_is_not_said_to_stand_in_the_text(doctor: Doctor, tmp_path: Path, old_stack: Path) -> None:
    (tmp_path / "t").write_text(f"accelerate==1.6.0\n{META}\n")
    out = doctor("explain", "-v", "--here", "--python", old_stack, "t", cwd=tmp_path).out
    known = out.partition("What is known of where it failed\n")[2]
    assert "accelerate 1.6.0 (list of versions, line 1)" in known
    assert "transformers 4.46.3" in known and "(this machine)" in " ".join(known.split())
    assert "the text states" not in out.lower()


def test_an_advisory_is_named_only_for_a_sign_of_it(explain: Explain) -> None:
    """The versions have MT034, and nothing shows a Trainer."""
    text = f"transformers==4.51.3\naccelerate==1.6.0\ntorch==2.6.0\nThe layers were offloaded to cpu.\n{META}\n"
    found = cause(explain(text))
    assert (found["cause"], found["advisory"]) == ("offload-then-move", None)
    assert found["title"] == "Part of the model was offloaded for want of memory, and then the whole was moved or trained"
    assert not any("MT0" in because for because in found["because"])


def test_the_cause_stands_before_the_facts(explain: Explain, doctor: Doctor, tmp_path: Path) -> None:
    keys = list(explain(TRAINER))
    assert keys.index("failures") < keys.index("next") < keys.index("environment")
    failure = list(explain(TRAINER)["failures"][0])
    assert failure.index("place") < failure.index("causes") < failure.index("frames")


def test_the_next_command_is_there_to_be_pasted(explain: Explain, old_stack: Path) -> None:
    assert explain(TRAINER)["next"] == "doctor run -- python finetune.py"
    assert explain("transformers==4.51.3\nIt all works.\n")["next"] == "doctor check --from pasted.txt"
    assert explain("It all works.\n")["next"] is None
    upgrade = "accelerate==0.30.0\ntorch==2.1.2\ntransformers==4.40.0\nload_and_quantize_model cannot load the bias\n" + META
    assert explain(upgrade)["next"] == "pip install accelerate==" + cause(explain(upgrade))["upgrade"]["to"]
    assert explain(META, name="my log.txt")["next"] == "doctor explain --ask 'my log.txt'"  # undecided: one fact parts the causes
    raced = "torch==2.6.0\ntransformers==4.51.3\naccelerate==1.15.0\nIt fails in 4 threads at once.\n" + META
    assert explain(raced)["next"] == "doctor explain --here pasted.txt"  # a cause is known: nothing to report
    here = explain(META, "--here", "--python", old_stack)
    assert here["next"] == "doctor explain --ask --here pasted.txt"


def test_nothing_of_this_machine_is_told_of_a_text(explain: Explain, old_stack: Path) -> None:
    assert explain(META)["environment"]["packages"] == {}
    filled = explain(META, "--here", "--python", old_stack)["environment"]
    assert filled["packages"]["transformers"]["version"] == "4.46.3"
    assert filled["sources"]["packages.transformers.version"] == "this machine"


def test_secrets_are_masked_always_and_names_on_request(explain: Explain, doctor: Doctor, tmp_path: Path) -> None:
    text = TRAINER.replace("finetune.py", "/home/alice.example/finetune.py").replace(META, f"{META} token hf_abcdefghijklmnopqrstuvwxyz0123456789")
    for arguments in ((), ("--redact",)):
        assert "hf_abcdef" not in json.dumps(explain(text, *arguments))
        (tmp_path / "log.txt").write_text(text)
        shown = doctor("explain", "log.txt", *arguments).out
        assert "hf_abcdef" not in shown
        assert ("/home/alice.example/finetune.py" in shown) == (not arguments)


def test_several_files_are_one_text(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "versions.txt").write_text("transformers==4.51.3\ntorch==2.6.0\naccelerate==1.6.0\n")
    (tmp_path / "failure.txt").write_text(f"in 4 threads at once\n{META}\n")
    ran = doctor("explain", "versions.txt", "failure.txt", "--format", "json", cwd=tmp_path)
    assert cause(ran.json)["advisory"] == "MT002"


def test_standard_input(tmp_path: Path) -> None:
    for arguments in ([], ["-"]):
        command = [sys.executable, "-m", "doctor", "explain", *arguments]
        done = subprocess.run(command, input=TRAINER, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert done.returncode == 1
        assert "offload-then-move" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["not/at/all"], "not/at/all: cannot be read: No such file or directory"),
        (["."], ".: cannot be read: Is a directory"),
        (["x", "--python", "/usr"], "--python: only with --here"),
        (["empty"], "empty: is empty; expected a traceback, a log, or the text of an issue or a chat"),
        (["empty", "blank"], "empty, blank: is empty; expected"),
        (["core"], "core: is not text (binary data); expected a traceback"),
        (["log.gz"], "log.gz: is not text (gzip: unpack it first)"),
        (["empty", "log.gz"], "log.gz: is not text"),
        (["screen"], "screen: is not text (an image: type or copy its text)"),
    ],
)
def test_what_cannot_be_read_is_one_line(doctor: Doctor, tmp_path: Path, arguments: list[str], said: str) -> None:
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "blank").write_bytes(b"\n \r\n\t\n")
    (tmp_path / "core").write_bytes(b"\x00\xff" * 100)
    (tmp_path / "log.gz").write_bytes(gzip.compress(TRAINER.encode()))
    (tmp_path / "screen").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    ran = doctor("explain", *arguments)
    assert ran.code == 2
    assert ran.err.startswith(f"doctor: {said}")
    assert ran.err.count("\n") == 1


def test_standard_input_without_a_text_says_what_was_expected(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "doctor", "explain"]
    done = subprocess.run(command, input="", capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("doctor: the text: is empty; expected a traceback")


@pytest.mark.parametrize(
    "content",
    [TRAINER.encode("utf-16"), b"\xef\xbb\xbf" + TRAINER.encode(), b"\x00" * 3 + TRAINER.encode(), TRAINER.encode() + "\u62a5\u9519".encode("gbk")],
    ids=["utf-16", "byte order mark", "stray zero bytes", "another encoding"],
)
def test_text_however_it_was_saved_is_read(doctor: Doctor, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t").write_bytes(content)
    assert doctor("explain", "t").code == 1


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")
def test_on_a_terminal_it_says_what_it_waits_for(tmp_path: Path) -> None:
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "doctor", "explain"]
    process = subprocess.Popen(command, stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    os.close(slave)
    assert process.stderr is not None
    assert process.stderr.readline() == "Paste the text, then press Ctrl-D on a line of its own.\n"
    os.write(master, TRAINER.encode() + b"\x04")
    out, _ = process.communicate(timeout=60)
    os.close(master)
    assert process.returncode == 1
    assert "offload-then-move" in out


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_it_fits_the_terminal(doctor: Doctor, tmp_path: Path, columns: int) -> None:
    (tmp_path / "t").write_text(TRAINER)
    out = doctor("explain", "t", cwd=tmp_path, variables={"COLUMNS": str(columns)}).out
    assert "offload-then-move" in out.replace("\n          ", " ")
    assert all(len(line) <= columns or " " not in line.strip() or "https://" in line for line in out.splitlines())


# doctor run


FAILS = (
    "import sys\nclass Trainer:\n    def _move_model_to_device(self):\n"
    "        raise NotImplementedError('Cannot copy out of meta tensor; no data!')\n"
    "print('to stdout')\nprint('to stderr', file=sys.stderr)\nTrainer()._move_model_to_device()\n"
)


@pytest.fixture
def failing(tmp_path: Path) -> Path:
    program = tmp_path / "train.py"
    program.write_text(FAILS)
    return program


def test_run_passes_streams_and_the_exit_code_and_explains(failing: Path) -> None:
    ran = subprocess.run([sys.executable, "-m", "doctor", "run", "--", sys.executable, failing], capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert ran.stdout == "to stdout\n"
    assert ran.stderr.startswith("to stderr\nTraceback")
    assert "offload-then-move" in ran.stderr.partition("NotImplementedError: ")[2]


def test_run_says_how_to_run_it_again(failing: Path, tmp_path: Path) -> None:
    given = ["--format", "json", "--output", tmp_path / "said", "--", sys.executable, failing, "--lr", "a b"]
    subprocess.run([sys.executable, "-m", "doctor", "run", *map(str, given)], capture_output=True, check=False)
    said = json.loads((tmp_path / "said").read_text())
    assert said["next"].startswith("doctor run -- ")
    assert said["next"].endswith("train.py --lr 'a b'")


def test_run_of_a_program_that_ends_well_adds_nothing(doctor: Doctor) -> None:
    ran = doctor("run", "--", sys.executable, "-c", "import sys; print(1); sys.stderr.write('2')")
    assert (ran.code, ran.out, ran.err) == (0, "1\n", "2")


def test_run_of_what_cannot_be_started(doctor: Doctor) -> None:
    ran = doctor("run", "--", "not/there")
    assert (ran.code, ran.err) == (2, "doctor: not/there: cannot be run: No such file or directory\n")
    assert doctor("run").code == 2


def test_run_keeps_any_exit_code(doctor: Doctor) -> None:
    assert doctor("run", "--", sys.executable, "-c", "raise SystemExit(37)").code == 37


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_run_dies_of_the_signal_its_program_died_of(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "doctor", "run", "--", sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"]
    assert subprocess.run(command, capture_output=True, check=False, cwd=tmp_path).returncode == -signal.SIGSEGV


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_run_passes_signals_on(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    program = f"import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(9))\nopen({str(ready)!r}, 'w').close()\ntime.sleep(30)\n"
    process = subprocess.Popen([sys.executable, "-m", "doctor", "run", "--", sys.executable, "-c", program])
    deadline = time.monotonic() + 20
    while not ready.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.terminate()
    assert process.wait(20) == 9


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")
def test_run_leaves_a_program_its_terminal(tmp_path: Path) -> None:
    master, slave = pty.openpty()
    code = "import sys; sys.stderr.write('terminal' if sys.stderr.isatty() else 'pipe')"
    process = subprocess.Popen([sys.executable, "-m", "doctor", "run", "--", sys.executable, "-c", code], stderr=slave)
    os.close(slave)
    assert process.wait(30) == 0
    assert os.read(master, 100) == b"terminal"
    os.close(master)


def test_an_exception_with_an_attribute_of_a_groups_name_is_explained() -> None:
    class Odd(NotImplementedError):
        exceptions = None

    assert explain_exception(Odd("Cannot copy out of meta tensor; no data!")).failures


def test_an_exception_explained_in_the_program() -> None:
    import doctor

    def _move_model_to_device() -> None:
        raise NotImplementedError("Cannot copy out of meta tensor; no data!")

    try:
        _move_model_to_device()
    except NotImplementedError as error:
        explanation = doctor.explain_exception(error)
    assert explanation.failures[0].causes[0].cause == "offload-then-move"
    assert "torch" not in sys.modules


# Size


@pytest.fixture
def large(tmp_path: Path) -> Iterator[Path]:
    log = tmp_path / "train.log"
    with log.open("w") as file:
        for step in range(60_000):
            file.write(f"2026-11-22 18:45:33,123 INFO trainer.py:{step % 900}] step {step}: loss {step / 7:.4f} lr 1e-05 on meta thread offload\n")
            if step == 30_000:
                file.write("".join(f"2026-11-22 18:45:33,123 ERROR worker.py:1] {line}\n" for line in TRAINER.splitlines()))
    yield log


def test_a_failure_in_the_middle_of_a_large_log_in_bounded_memory(doctor: Doctor, large: Path) -> None:
    ran = doctor("explain", large, "--format", "json")
    assert cause(ran.json)["cause"] == "offload-then-move"
    assert ran.json["failures"][0]["line"] == 30_002
