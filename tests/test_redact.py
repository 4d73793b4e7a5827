from __future__ import annotations

from dataclasses import replace

import pytest

from doctor.reports.redact import Redactor
from tests.environments import environment

ANN = Redactor(("/home/ann", "/data/homes/ann"), "ann", "bigbox")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/home/ann/venv/bin/python", "~/venv/bin/python"),
        ("/home/ann", "~"),
        ("/home/anna/venv", "/home/anna/venv"),
        ("/home/ann.old/venv", "/home/<user>.old/venv"),
        ("/data/homes/ann/x and /home/ann/y", "~/x and ~/y"),
        ("/scratch/ann/cache", "/scratch/<user>/cache"),
        ("file:///home/ann/src", "file://~/src"),
        ("planning, annotations", "planning, annotations"),
        ("on bigbox: no such file", "on <host>: no such file"),
        ("https://ann:hunter2@example.org/index", "https://<credentials>@example.org/index"),
        ("4.50.0.dev0", "4.50.0.dev0"),
        ("\x1b[31mred\x07", "�[31mred�"),
    ],
)
def test_what_is_private_is_masked_and_the_rest_stays(text: str, expected: str) -> None:
    assert ANN.text(text) == expected


@pytest.mark.parametrize(("user", "text"), [("root", "/usr/lib/root/x"), ("ubuntu", "ubuntu 22.04"), (None, "none")])
def test_names_that_many_machines_share_are_words_like_others(user: str | None, text: str) -> None:
    assert Redactor(("/nowhere",), user, "localhost").text(text) == text


def test_everything_in_a_document_is_masked_and_nothing_else_changes() -> None:
    here = replace(environment(torch="2.9"), variables={"CUDA_VISIBLE_DEVICES": "0"})
    masked = ANN.value(here)
    assert masked.python.executable == "~/venv/bin/python"
    assert masked.disk.path == "~"
    assert masked.packages == here.packages
    assert masked.memory == here.memory
    assert "/home/ann" in here.disk.path
