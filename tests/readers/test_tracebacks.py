"""Tracebacks as people paste them: made on the spot by the real tools where those are at hand, small texts where not."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from rich.console import Console
from rich.traceback import Traceback

from doctor.facts.symptom import Failure
from doctor.readers.lines import cleaned
from doctor.readers.tracebacks import read_failures

SCRIPT = """\
def convert(t):
    raise NotImplementedError("Cannot copy out of meta tensor; no data!")

def to(x):
    return convert(x)

def main():
    return to(1)
"""
PATH = ["main", "to", "convert"]


def failures(text: str) -> tuple[Failure, ...]:
    return read_failures(cleaned(text.split("\n")))


def only(text: str) -> Failure:
    (failure,) = failures(text)
    return failure


def functions(failure: Failure) -> list[str | None]:
    return [frame.function for frame in failure.frames]


def ran(tmp_path: Path, last_lines: str, *, width: int | None = None) -> str:
    (tmp_path / "broken.py").write_text(SCRIPT + last_lines)
    variables = {"PATH": "/usr/bin", "COLUMNS": str(width or 80), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run([sys.executable, "broken.py"], cwd=tmp_path, capture_output=True, encoding="utf-8", env=variables, check=False)
    return done.stderr + done.stdout


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> str:
    return ran(tmp_path_factory.mktemp("plain"), "main()\n")


def test_plain(plain: str) -> None:
    failure = only(plain)
    assert (failure.exception, failure.message) == ("NotImplementedError", "Cannot copy out of meta tensor; no data!")
    assert functions(failure) == ["<module>", *PATH]
    assert [(Path(frame.file).name, frame.line, frame.code) for frame in failure.frames[1:3]] == [
        ("broken.py", 8, "return to(1)"),
        ("broken.py", 5, "return convert(x)"),
    ]


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(lambda text: "\n".join(f"> {line}" for line in text.split("\n")), id="markdown quote"),
        pytest.param(lambda text: f"It fails:\n```python\n{text}```\nWhat now?", id="fenced"),
        pytest.param(lambda text: text.replace("<module>", "&lt;module&gt;").replace('"', "&quot;"), id="html"),
        pytest.param(lambda text: text.replace("\n", "\r\n"), id="crlf"),
        pytest.param(lambda text: "\n".join(f"\x1b[31m{line}\x1b[0m" for line in text.split("\n")), id="colours"),
        pytest.param(lambda text: "\n".join(f"[31m{line}[0m" for line in text.split("\n")), id="colours without escape"),
        pytest.param(lambda text: "\n".join(f"2026-11-22T18:45:33.123Z {line}" for line in text.split("\n")), id="timestamps"),
        pytest.param(lambda text: "\n".join(f"[rank3]: {line}" for line in text.split("\n")), id="rank"),
        pytest.param(lambda text: "\n".join(f"ERROR 08-06 18:45:33 worker_utils.py:226] {line}" for line in text.split("\n")), id="logger"),
        pytest.param(
            lambda text: "\n".join(f"(WorkerProcess pid=260) ERROR 08-06 18:45:33 x.py:22] {line}" for line in text.split("\n")), id="worker"
        ),
        pytest.param(lambda text: "\n".join(f"trainer-1  | {line}" for line in text.split("\n")), id="compose"),
        pytest.param(lambda text: "\n".join(line.strip() for line in text.split("\n")), id="indentation lost"),
        pytest.param(lambda text: text.replace("/broken.py", "\\broken.py"), id="windows"),
        pytest.param(lambda text: "step 1: loss 0.3\n" * 500 + text + "step 2\n" * 500, id="inside a log"),
    ],
)
def test_the_same_however_it_was_pasted(plain: str, changed: object) -> None:
    assert callable(changed)
    failure = only(changed(plain))
    assert failure.exception == "NotImplementedError"
    assert failure.message.startswith("Cannot copy out of meta tensor; no data!")
    assert functions(failure) == ["<module>", *PATH]
    assert failure.frames[2].code == "return convert(x)"
    assert Path(failure.frames[2].file).name == "broken.py"


def test_cut_before_its_end(plain: str) -> None:
    failure = only("\n".join(plain.split("\n")[:5]))
    assert failure.exception is None
    assert functions(failure)[:1] == ["<module>"]


def test_cut_before_its_beginning(plain: str) -> None:
    second = plain.index("broken.py", plain.index("broken.py") + 1)
    failure = only(plain[second:])
    assert functions(failure) == PATH
    assert failure.exception == "NotImplementedError"


def test_interleaved_ranks_are_kept_apart(plain: str) -> None:
    other = plain.replace("Cannot copy", "Tensor on device cpu: cannot copy").replace("convert", "send")
    lines = [each for pair in zip(plain.split("\n"), other.split("\n"), strict=True) for each in (f"[rank0]: {pair[0]}", f"[rank1]: {pair[1]}")]
    one, two = failures("\n".join(lines))
    assert functions(one) == ["<module>", *PATH]
    assert functions(two) == ["<module>", "main", "to", "send"]


def test_the_same_from_every_rank_is_one_that_is_counted(plain: str) -> None:
    failure = only("\n".join(f"[rank{rank}]: {line}" for rank in range(8) for line in plain.split("\n")))
    assert failure.count == 8


def test_chained(tmp_path: Path) -> None:
    text = ran(tmp_path, "try:\n    main()\nexcept NotImplementedError as error:\n    raise RuntimeError('engine died') from error\n")
    first, second = failures(text)
    assert (first.exception, second.exception) == ("NotImplementedError", "RuntimeError")
    assert first.cause_of == 1
    assert second.cause_of is None


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exception groups came with Python 3.11")
def test_an_exception_group(tmp_path: Path) -> None:
    text = ran(tmp_path, "try:\n    main()\nexcept Exception as error:\n    raise ExceptionGroup('two', [error, ValueError('other')])\n")
    assert {"NotImplementedError", "ExceptionGroup", "ValueError"} <= {each.exception for each in failures(text)}
    (ours,) = (each for each in failures(text) if each.exception == "NotImplementedError")
    assert functions(ours) == ["<module>", *PATH]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_rich(tmp_path: Path, width: int) -> None:
    failure = only(ran(tmp_path, f"from rich.traceback import install\ninstall(width={width})\nmain()\n", width=width))
    assert failure.exception == "NotImplementedError"
    assert functions(failure) == ["<module>", *PATH]
    assert [frame.line for frame in failure.frames[1:]] == [8, 5, 2]
    assert failure.frames[2].code == "return convert(x)"


@pytest.mark.parametrize("length", range(55, 85, 3))
@pytest.mark.parametrize("there", [True, False])
def test_a_path_that_a_narrow_box_broke(tmp_path: Path, length: int, there: bool) -> None:
    """rich breaks a line where the box ends: in the path, behind its number, behind the word "in"."""
    file = tmp_path / ("x" * (length - len(str(tmp_path))) or "y") / "broken.py"
    if there:
        file.parent.mkdir()
        file.write_text(SCRIPT)
    namespace: dict[str, object] = {}
    exec(compile(SCRIPT, str(file), "exec"), namespace)
    page = io.StringIO()
    try:
        namespace["main"]()  # type: ignore[operator]
    except NotImplementedError as error:
        Console(file=page, width=60).print(Traceback.from_exception(type(error), error, error.__traceback__, width=60))
    assert functions(only(page.getvalue()))[-3:] == PATH


@pytest.mark.parametrize("style", ["long", "short", "native"])
def test_pytest(tmp_path: Path, style: str) -> None:
    (tmp_path / "test_broken.py").write_text(SCRIPT.replace("def main", "def test_main"))
    command = [sys.executable, "-m", "pytest", "-q", f"--tb={style}", "-p", "no:cacheprovider", "test_broken.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False)
    found = next(each for each in failures(done.stdout) if each.frames)
    assert functions(found)[-3:] == ["test_main", "to", "convert"]
    assert found.exception == "NotImplementedError"
    assert found.message.startswith("Cannot copy out of meta tensor")


IPYTHON_OLD = """\
---------------------------------------------------------------------------
NotImplementedError                       Traceback (most recent call last)
<ipython-input-3-0a1b2c> in <module>
      1 model = load()
----> 2 model.to("cuda")

/usr/local/lib/python3.10/dist-packages/torch/nn/modules/module.py in to(self, *args, **kwargs)
   1171             return t.to(device)
   1172
-> 1173         return self._apply(convert)
   1174

NotImplementedError: Cannot copy out of meta tensor; no data!
"""
IPYTHON_NEW = """\
---------------------------------------------------------------------------
NotImplementedError                       Traceback (most recent call last)
Cell In[3], line 2
      1 model = load()
----> 2 model.to("cuda")

File /opt/conda/lib/python3.11/site-packages/torch/nn/modules/module.py:1173, in Module.to(self, *args, **kwargs)
   1171             return t.to(device)
-> 1173         return self._apply(convert)

NotImplementedError: Cannot copy out of meta tensor; no data!
"""
COLAB = """\
NotImplementedError                       Traceback (most recent call last)
[<ipython-input-3-0a1b2c>](https://localhost:8080/#) in <cell line: 2>()
      1 model = load()
----> 2 model.to("cuda")

1 frames
[/usr/local/lib/python3.10/dist-packages/torch/nn/modules/module.py](https://localhost:8080/#) in to(self, *args, **kwargs)
-> 1173         return self._apply(convert)

NotImplementedError: Cannot copy out of meta tensor; no data!
"""


@pytest.mark.parametrize("text", [IPYTHON_OLD, IPYTHON_NEW, COLAB], ids=["ipython 7", "ipython 8", "colab"])
def test_notebooks(text: str) -> None:
    failure = only(text)
    assert failure.exception == "NotImplementedError"
    assert failure.message == "Cannot copy out of meta tensor; no data!"
    assert [frame.line for frame in failure.frames] == [2, 1173]
    assert [frame.code for frame in failure.frames] == ['model.to("cuda")', "return self._apply(convert)"]
    assert (failure.frames[1].function or "").rpartition(".")[2] == "to"


@pytest.mark.parametrize(
    ("line", "file", "number", "function"),
    [
        ('  File "C:\\envs\\x\\lib\\site-packages\\torch\\nn\\modules\\module.py", line 1160, in convert', "module.py", 1160, "convert"),
        ("transformers/modeling_utils.py line 4343, in to", "modeling_utils.py", 4343, "to"),
        ("/opt/x/transformers/modeling_utils.py:4343: in to", "modeling_utils.py", 4343, "to"),
        ("/opt/x/transformers/modeling_utils.py:4343 in to", "modeling_utils.py", 4343, "to"),
        ("  File <path>/deepspeed/runtime/engine.py, line 1081, in _configure_distributed_model", "engine.py", 1081, "_configure_distributed_model"),
        ('model_utils.py", line 45, in create_hf_model', "model_utils.py", 45, "create_hf_model"),
        ('  File "", line 24, in _load_pretrained_model', "", 24, "_load_pretrained_model"),
    ],
)
def test_a_frame_by_itself(line: str, file: str, number: int, function: str) -> None:
    (frame,) = only(f"{line}\n    param.to(device)\nNotImplementedError: Cannot copy out of meta tensor; no data!").frames
    assert (frame.file.rpartition("/")[2], frame.line, frame.function, frame.code) == (file, number, function, "param.to(device)")


def test_a_recursion_is_bounded_and_its_repetition_understood() -> None:
    frame = '  File "a.py", line 1, in f\n    f()\n'
    head, end = "Traceback (most recent call last):\n", "RecursionError: maximum recursion depth exceeded"
    assert only(f"{head}{frame * 3}  [Previous line repeated 990 more times]\n{end}").exception == "RecursionError"
    assert len(only(f"{head}{frame * 100_000}{end}").frames) <= 400


@pytest.mark.parametrize(
    "text",
    [
        "",
        "all is well",
        "The docs say that NotImplementedError is raised then.",
        "module.py:2025: UserWarning: for a.weight: copying from a non-meta parameter",
        "INFO loading checkpoint shards: 100%",
        "step 3: error rate 0.1",
    ],
)
def test_what_is_no_failure(text: str) -> None:
    assert failures(text) == ()


ODD_LINES = ("\u2502 x.py:3 in f \u2502", "E   ValueError: x", "[rank0]: x", "  | y", ">")


@given(st.lists(st.sampled_from([*IPYTHON_OLD.split("\n"), *COLAB.split("\n"), *ODD_LINES])))
def test_any_order_of_lines_is_read(lines: list[str]) -> None:
    for failure in read_failures(cleaned(lines)):
        assert failure.frames or failure.message


@given(st.text(), st.integers(0, 400), st.integers(0, 400))
def test_any_text_is_read(inserted: str, start: int, end: int) -> None:
    failures(IPYTHON_NEW[:start] + inserted + COLAB[end:])
