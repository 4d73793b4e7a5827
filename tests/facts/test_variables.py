"""Environment variables: those that change loading, and never a secret."""

from __future__ import annotations

import pytest

from doctor.facts.variables import loading_variables


def test_only_variables_that_change_loading_are_read() -> None:
    variables = {"HF_TOKEN": "hf_abc", "HOME": "/home/ann", "AWS_SECRET_ACCESS_KEY": "x", "USE_TORCH": "1", "CUDA_VISIBLE_DEVICES": "0,1"}
    assert loading_variables(variables, []) == {"CUDA_VISIBLE_DEVICES": "0,1", "USE_TORCH": "1"}


def test_those_the_matrix_names_are_read_as_well() -> None:
    assert loading_variables({"MY_FLAG": "on", "OTHER": "on"}, ["MY_FLAG", "NOT_SET"]) == {"MY_FLAG": "on"}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("", ""),
        ("1", "1"),
        ("expandable_segments:True", "expandable_segments:True"),
        ("max_split_size_mb:512,garbage=0.8", "max_split_size_mb:512,garbage=0.8"),
        ("GPU-8f4ecf5b-5e3b-1c9b-ffd4-0123456789ab", "(set)"),
        ("mig-1", "(set)"),
        ("/home/ann/models", "(set)"),
        ("https://ann:secret@example.org", "(set)"),
        ("a b", "(set)"),
        ("1\n2", "(set)"),
        ("\x1b[2J", "(set)"),
        ("x" * 41, "(set)"),
        ("ün", "(set)"),
    ],
)
def test_a_value_that_could_be_private_is_only_said_to_be_set(value: str, shown: str) -> None:
    assert loading_variables({"CUDA_VISIBLE_DEVICES": value}, []) == {"CUDA_VISIBLE_DEVICES": shown}
