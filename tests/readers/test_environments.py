"""What becomes of statements: which of them counts, what stays unknown, and what is filled from here."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings, strategies as st

from doctor.errors import DoctorError
from doctor.facts.environment import THIS_MACHINE, InstallationFault, Unknown
from doctor.readers.environments import filled_from
from tests.environments import environment, reading_of, stated, versions
from tests.readers import test_labelled, test_listings, test_locks

BLOCK = test_labelled.TRANSFORMERS_5


def unknown(text: str, fact: str) -> list[Unknown]:
    return [each for each in stated(text).unknown if each.fact == fact]


# Which statement counts


def test_a_block_counts_for_more_than_prose_and_the_difference_is_said() -> None:
    text = f"I am on transformers 4.46.3\n\n{BLOCK}"
    assert versions(stated(text))["transformers"] == "5.6.0"
    (said,) = unknown(text, "packages.transformers.version")
    assert said.reason == "the text also says 4.46.3 (line 1); 5.6.0 (`transformers env` block, line 3) was taken"
    assert not said.important


def test_of_two_blocks_the_first_counts_and_the_difference_is_weighty() -> None:
    text = f"{BLOCK}\nand on the other machine\n\n{test_labelled.TRANSFORMERS_4_20}"
    assert versions(stated(text))["transformers"] == "5.6.0"
    (said,) = unknown(text, "packages.transformers.version")
    assert "4.20.1" in said.reason
    assert said.important


def test_one_that_says_it_is_not_installed_contradicts_one_that_states_a_version() -> None:
    text = f"accelerate==1.0.1\ntorch==2.4.1\n\n{test_labelled.TRANSFORMERS_4_45}"
    (said,) = unknown(text, "packages.accelerate.version")
    assert "not installed" in said.reason


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("transformers 5.6\n\n" + BLOCK, "5.6.0"),
        ("torch 2.9.0+cu128\n\n" + BLOCK, "5.6.0"),
        ("transformers==5.6.0\ntransformers==5.6.0", "5.6.0"),
        ("transformers 5.6.0.\nI have transformers 5.6.0", "5.6.0"),
    ],
)
def test_statements_that_agree_are_no_contradiction(text: str, version: str) -> None:
    assert versions(stated(text))["transformers"] == version
    assert [each for each in stated(text).unknown if "also says" in each.reason] == []


def test_the_fuller_version_is_taken() -> None:
    assert versions(stated("torch 2.9.0+cu128\n\n" + BLOCK))["torch"] == "2.9.0+cu128"


def test_a_version_that_is_none_is_kept_and_said() -> None:
    here = stated("- `transformers` version: main\n- Platform: Linux\n- Python version: 3.12.1\n")
    assert (here.packages["transformers"].version, here.packages["transformers"].origin) == ("main", "vcs")


# What stays unknown


def test_what_a_text_does_not_say_is_unknown_and_never_filled_in() -> None:
    here = stated("I'm on transformers v4.51.3")
    assert (here.python.executable, here.python.version, here.python.prefix, here.platform.system) == (None, None, None, "unknown")
    assert (here.memory.total, here.disk.free, here.disk.path, here.torch.importable, here.accelerators) == (None, None, None, None, ())
    assert here.partial
    assert not here.variables_known
    facts = {each.fact: each.important for each in here.unknown}
    assert facts.items() >= {"packages.torch.version": True, "packages.accelerate.version": True, "python.version": False}.items()
    assert facts.keys() >= {"platform.system", "memory.total", "disk.free", "torch.cuda_available"}


def test_every_fact_says_where_it_was_read() -> None:
    here = stated(test_labelled.TORCH)
    for fact in (
        "packages.torch.version",
        "python.version",
        "platform.system",
        "torch.cuda_available",
        "torch.cuda_built",
        "accelerators",
        "drivers",
    ):
        assert here.sources[fact].startswith(("`collect_env` block, line", "libraries of `collect_env`, line"))


def test_what_was_read_is_named() -> None:
    text = f"{BLOCK}\n\n{test_listings.table(test_listings.THREE)}\n\nAnd I have peft 0.13.2"
    expected = "issue.txt: `transformers env` block (line 1), pip list (line 13), versions mentioned in the text"
    assert stated(text, "issue.txt").read_from == expected


@pytest.mark.parametrize("text", ["", "It does not work.", '  File "/usr/lib/python3.10/site-packages/x.py", line 1, in f'])
def test_a_text_without_an_environment_is_not_recognised(text: str) -> None:
    assert not reading_of(text).recognised


# Filled from here

HERE = replace(
    environment(torch="2.13.0+cpu", transformers="4.46.3", diffusers="0.31.0"),
    variables={"RANK": "0"},
    unknown=(Unknown("drivers", "no answer"),),
    faults=(
        InstallationFault("duplicate-metadata", "transformers", "two folders"),
        InstallationFault("duplicate-metadata", "diffusers", "two folders"),
    ),
)


def test_gaps_are_filled_from_here_and_say_so() -> None:
    filled = filled_from(stated("torch 2.13.0\naccelerate version: 1.0.1"), HERE)
    assert versions(filled) == {"accelerate": "1.0.1", "torch": "2.13.0", "transformers": "4.46.3", "diffusers": "0.31.0"}
    assert (filled.python, filled.disk, filled.variables) == (HERE.python, HERE.disk, HERE.variables)
    assert (filled.partial, filled.variables_known, filled.torch.cuda_available) == (False, True, False)
    assert filled.sources["packages.transformers.version"] == filled.sources["python.version"] == filled.sources["memory.total"] == THIS_MACHINE
    assert filled.sources["packages.torch.version"] == "line 1"


def test_what_the_text_states_wins_and_a_difference_is_said() -> None:
    filled = filled_from(stated(BLOCK), HERE)
    assert versions(filled)["transformers"] == "5.6.0"
    assert filled.platform.system == "darwin"
    assert filled.python.version == "3.12.8"
    reasons = [each.reason for each in filled.unknown if each.fact == "packages.transformers.version"]
    assert reasons == ["the text says 5.6.0, the environment examined has 4.46.3: the text was taken"]
    assert [each.package for each in filled.faults] == ["diffusers"]


def test_torch_is_not_mixed_from_two_releases() -> None:
    assert filled_from(stated("torch 2.4.1"), HERE).torch.cuda_available is None


def test_what_is_known_from_here_is_not_unknown_any_more() -> None:
    filled = filled_from(stated("I have torch 2.13.0"), HERE)
    assert [each.fact for each in filled.unknown] == ["drivers"]


def test_a_short_version_of_python_is_filled_up() -> None:
    assert filled_from(stated("torch 2.13.0, python 3.11"), HERE).python.version == "3.11.7"
    assert filled_from(stated("torch 2.13.0, python 3.10"), HERE).python.version == "3.10"


def test_what_a_whole_list_lacks_is_not_filled_in() -> None:
    assert "diffusers" not in filled_from(stated(test_listings.table(test_listings.THREE | test_listings.NEEDED)), HERE).packages


# Whatever comes

_REAL = [
    *(getattr(test_labelled, name) for name in ("TRANSFORMERS_4_45", "ACCELERATE_0_27", "HUB", "DIFFUSERS", "TORCH", "VLLM")),
    test_listings.CONDA, test_listings.ENVIRONMENT_YML, test_locks.UV, test_locks.POETRY, test_locks.PYLOCK,
]  # fmt: skip
_NAMES = st.sampled_from([None, "issue.txt", "requirements.txt", "uv.lock", "pylock.toml", "environment.yml", "report.json"])


def _never_fails(text: str, name: str | None) -> None:
    try:
        here = stated(text, name)
    except DoctorError as error:
        assert len(str(error).splitlines()) == 1
        return
    for package, distribution in here.packages.items():
        assert distribution.name == package
        assert distribution.source == "text"
        assert len(distribution.version or "") <= 200


@settings(max_examples=60, deadline=2000)
@given(st.text(max_size=300), _NAMES)
def test_any_text_is_read(text: str, name: str | None) -> None:
    _never_fails(text, name)


@settings(max_examples=80, deadline=2000)
@given(st.sampled_from(_REAL), st.data(), _NAMES)
def test_any_change_of_a_real_text_is_read(text: str, data: st.DataObject, name: str | None) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 80)))
    _never_fails(text[:start] + data.draw(st.text(max_size=20)) + text[end:], name)


@pytest.mark.parametrize(
    "line",
    [
        "torch " * 10000, "transformers" + " " * 60000 + "1.0", "1." * 30000, "| " * 30000, "x-1.0 " * 10000, "torch" + "`" * 60000, "-" * 60000,
        "Successfully installed " + "x-1.0 " * 10000, "Requirement already satisfied: a (" + "(" * 60000, '"name" "version" ' + '{"name": "a' * 5000,
        "a==1" + " " * 60000, "export " + "A=1 " * 15000, "/python3.10" * 6000 + "-packages",
        "torch.__version__" + " " * 60000, "Name: " + "a" * 60000,
    ],
    ids=lambda line: line[:12],
)  # fmt: skip
def test_no_line_takes_long(line: str) -> None:
    import time

    started = time.perf_counter()
    _never_fails("\n".join([line] * 5), None)
    assert time.perf_counter() - started < 2.0
