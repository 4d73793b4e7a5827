"""Every cause was raised for real: in the tests' own environments, or once elsewhere, and kept with the program that raised it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from doctor.explain.text import explain_lines
from doctor.knowledge.matrix_file import builtin_matrix
from tests.explain.test_explain import RAISED
from tests.readers.test_load_reports import CAUSES, CAUSES_SINCE_5

MATRIX = builtin_matrix()
KEPT = {program.stem.replace("_", "-"): program for program in sorted((Path(__file__).parents[1] / "programs" / "kept").glob("*.py"))}
"""Programs by cause, with what they ran on; beside each what it printed, without progress bars. All are called /srv/app/main.py there."""
TOLD = {"explicit-meta": "I build the model with init_empty_weights() and give it to deepspeed.initialize.\n"}
"""What a person has to say of a failure: of what was printed alone, another cause or none is named first."""
NEVER_RAISED = {"comfy-lowvram": "it takes an image UI, a checkpoint of several GB and a GPU that is too small for it"}


@pytest.mark.parametrize("cause", KEPT)
def test_the_cause_of_a_failure_that_was_kept(cause: str) -> None:
    printed = TOLD.get(cause, "") + KEPT[cause].with_suffix(".txt").read_text("utf-8")
    (failure,) = explain_lines(printed.split("\n"), MATRIX).failures
    assert failure.foreign is None
    assert failure.causes[0].cause == cause


def test_what_is_behind_a_model_that_deepspeed_moves_is_left_in_doubt() -> None:
    """The traceback is the same whether a part was offloaded, or no weight was ever there."""
    (failure,) = explain_lines(KEPT["explicit-meta"].with_suffix(".txt").read_text("utf-8").split("\n"), MATRIX).failures
    assert not failure.sure
    assert failure.question is not None
    assert failure.question.name == "left_on_meta"


@pytest.mark.parametrize("cause", KEPT)
def test_what_was_kept_is_what_its_program_raised(cause: str) -> None:
    program = KEPT[cause].read_text("utf-8").split("\n")
    printed = KEPT[cause].with_suffix(".txt").read_text("utf-8")
    places = re.findall(r'File "/srv/app/main\.py", line (\d+), in .*\n(?:\[rank\d\]: )? *(.*)', printed)
    assert places
    assert all(program[int(line) - 1].strip().startswith(source) for line, source in places)


_PROMPT = "(base) me@box:~/app$ python main.py\n"
_RENAMED: dict[str, Callable[[str], str]] = {
    "folder": lambda text: text.replace("/srv/app", "/home/anna/threads/lora offload/deepspeed-zero3"),
    "file": lambda text: text.replace("main.py", "quantize_and_merge_lora.py"),
    "windows": lambda text: text.replace("/srv/app/main.py", "C:\\Users\\Anna B\\gibberish\\device_map.py").replace("/srv/app", "D:\\lora\\fsdp"),
    "prompt": lambda text: text.replace("(base) me@box:~/app$", "(offload) lora@threads-1:~/zero3$"),
    "times": lambda text: "".join(f"{line}\n2026-11-29T10:22:33 0x7fe1 https://gpu-lora.example.org/offload\n" for line in text.split("\n")),
}
"""What changes nothing of what happened."""


@pytest.mark.parametrize("cause", KEPT)
@pytest.mark.parametrize("what", _RENAMED)
def test_what_one_calls_ones_own_files_and_machine_changes_no_answer(cause: str, what: str) -> None:
    printed = TOLD.get(cause, "") + _PROMPT + KEPT[cause].with_suffix(".txt").read_text("utf-8")
    (before,) = explain_lines(printed.split("\n"), MATRIX).failures
    (after,) = explain_lines(_RENAMED[what](printed).split("\n"), MATRIX).failures
    assert [(each.cause, each.confidence, each.kind, each.upgrade) for each in after.causes] == [
        (each.cause, each.confidence, each.kind, each.upgrade) for each in before.causes
    ]


def test_every_cause_is_raised_for_real_but_those_that_say_why_not() -> None:
    raised = {cause for _, _, cause, _ in RAISED} | {*CAUSES.values(), *CAUSES_SINCE_5.values(), *KEPT}
    assert raised | NEVER_RAISED.keys() == {cause.name for cause in MATRIX.causes}
    assert not raised & NEVER_RAISED.keys()


_EMPTY_IN_FILE = """\
RuntimeError: Error(s) in loading state_dict for LlamaForCausalLM:
\tsize mismatch for lm_head.weight: copying a param with shape torch.Size([0]) from checkpoint, the shape in current model is torch.Size([32, 16]).
"""
_EMPTY_IN_REPORT = """\
LlamaForCausalLM LOAD REPORT from: /models/out
Key            | Status   |                                                                                   \x20
---------------+----------+------------------------------------------------------------------------------------
lm_head.weight | MISMATCH | Reinit due to size mismatch - ckpt: torch.Size([0]) vs model:torch.Size([32, 16])

RuntimeError: You set `ignore_mismatched_sizes` to `False`, thus raising an error. For details look at the above report!
"""


@pytest.mark.parametrize(
    ("printed", "cause", "advisory"),
    [
        ("ValueError: lm_head.weight doesn't have any device set.\n", "device-map-refused", None),
        ("transformers==4.57.6\nsafetensors_rust.SafetensorError: device disk is invalid\n", "disk-offload-refused", "MT124"),
        (_EMPTY_IN_FILE, "zero3-ungathered", None),
        (_EMPTY_IN_REPORT, "zero3-ungathered", None),
    ],
)
def test_a_sentence_that_no_other_failure_says_decides(printed: str, cause: str, advisory: str | None) -> None:
    (failure,) = explain_lines(printed.split("\n"), MATRIX).failures
    assert (failure.causes[0].cause, failure.causes[0].advisory) == (cause, advisory)
    assert failure.causes[0].confidence > 0.9
