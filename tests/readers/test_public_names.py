"""What whoever ran a program named is taken out, and what libraries and known programs name is left."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from doctor.facts.symptom import Failure, Frame
from doctor.readers import public_names
from doctor.readers.public_names import without_own_names, without_own_places


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ('File "/home/anna/offload test/run.py", line 3, in main', 'File ".py", line 3, in main'),
        ('File "C:\\Users\\Anna B\\lora\\run.py", line 3', 'File ".py", line 3'),
        (
            'File "/home/lora/lib/python3.11/site-packages/torch/nn/modules/module.py", line 5',
            'File "site-packages/torch/nn/modules/module.py", line 5',
        ),
        ('File "/usr/lib/python3.10/threading.py"', 'File "threading.py"'),
        (".../transformers/modeling_utils.py", "transformers/modeling_utils.py"),
        ("D:\\lora\\ComfyUI\\execution.py", "ComfyUI/execution.py"),
        ("read ./threads/pytorch_model-00001-of-00002.bin", "read pytorch_model-00001-of-00002.bin"),
        ("read threads.safetensors", "read .safetensors"),
        ("from_pretrained('/home/Anna B/lora')", "from_pretrained(' ')"),
        ("see https://example.org/lora?x=1 for it", "see   for it"),
        ("anna@lora-1:~/threads$ python run.py", "  python .py"),
        ("2026-11-29T10:22:33.123Z at 0x7f33aa12 of 3f2a9bc01d", "  at   of  "),
    ],
)
def test_what_one_named_oneself_is_taken_out(line: str, left: str) -> None:
    assert without_own_names(line) == left


@pytest.mark.parametrize(
    "line", ["org/model on cpu/disk", "and/or n/a w/o 3.2/4.0 GB", "self.model.to(device)", "json.loads(x) </summary>", "deepspeed", ""]
)
def test_what_is_no_name_of_ones_own_stays(line: str) -> None:
    assert without_own_names(line) == line


_PIECES = (
    "/",
    "\\",
    "a",
    "b1",
    ".",
    ":",
    " ",
    '"',
    'File "',
    "~",
    "@",
    "$",
    "(x) ",
    "py",
    ".pt",
    ".toml",
    "0x",
    "1f",
    "deadbeef",
    "2026-11-29",
    "T10:00",
    "C:",
    "http",
)


@given(st.lists(st.sampled_from(_PIECES), max_size=12).map("".join))
def test_a_line_that_is_passed_over_holds_no_name(line: str) -> None:
    assert without_own_names(line) == public_names._NAMED.sub(public_names._left, line)


def test_a_failure_is_the_same_wherever_it_happened() -> None:
    failure = Failure("OSError", "no file\nin /home/anna/meta", (Frame("/srv/lora.py", 1, "main"), Frame("/x/site-packages/peft/a.py", 2, "f")), 1)
    assert without_own_places(failure) == Failure("OSError", "no file\nin  ", (Frame("", 1, "main"), Frame("site-packages/peft/a.py", 2, "f")), 1)
