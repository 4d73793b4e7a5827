"""Every cause was raised for real: in the tests' own environments, or once elsewhere, and kept with the program that raised it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from doctor.explain.text import explain_lines
from doctor.knowledge.matrix_file import builtin_matrix
from tests.explain.test_explain import RAISED
from tests.readers.test_load_reports import CAUSES, CAUSES_SINCE_5

MATRIX = builtin_matrix()
KEPT = {program.stem.replace("_", "-"): program for program in sorted((Path(__file__).parents[1] / "programs" / "kept").glob("*.py"))}
"""Programs by cause, with what they ran on; beside each what it printed, without progress bars. All are called /srv/app/main.py there: the words of a
file's name count as any other, and theirs would give the cause away."""
TOLD = {
    "adapter-after-offload": "I load a LoRA adapter over a base model that is offloaded.\n",
    "new-weights-uninitialised": "I added a new layer to the model, and it cannot be moved.\n",
}
"""What a person has to say of a failure: of what was printed alone, another cause or none is named first."""
NEVER_RAISED = {"comfy-lowvram": "it takes an image UI, a checkpoint of several GB and a GPU that is too small for it"}


@pytest.mark.parametrize("cause", KEPT)
def test_the_cause_of_a_failure_that_was_kept(cause: str) -> None:
    printed = TOLD.get(cause, "") + KEPT[cause].with_suffix(".txt").read_text("utf-8")
    (failure,) = explain_lines(printed.split("\n"), MATRIX).failures
    assert failure.foreign is None
    assert failure.causes[0].cause == cause


@pytest.mark.parametrize("cause", KEPT)
def test_what_was_kept_is_what_its_program_raised(cause: str) -> None:
    program = KEPT[cause].read_text("utf-8").split("\n")
    printed = KEPT[cause].with_suffix(".txt").read_text("utf-8")
    places = re.findall(r'File "/srv/app/main\.py", line (\d+), in .*\n(?:\[rank\d\]: )? *(.*)', printed)
    assert places
    assert all(program[int(line) - 1].strip().startswith(source) for line, source in places)


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
