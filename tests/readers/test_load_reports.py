"""What loaders print of names that do not meet: read from what real releases print of real loads."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from doctor.explain.explanation import Explanation
from doctor.explain.text import explain_lines
from doctor.facts.loading import LoadReport
from doctor.knowledge.matrix_file import builtin_matrix
from doctor.readers.lines import cleaned
from doctor.readers.load_reports import LoadReportReader
from doctor.readers.prefixes import unprefixed
from tests.stacks import CURRENT, OLD, python_in

MATRIX = builtin_matrix()
PROGRAM = Path(__file__).parents[1] / "programs" / "load_reports.py"
STACKS = {"old": OLD, "current": CURRENT}
Printed = Mapping[str, Mapping[str, str]]


@pytest.fixture(scope="module")
def printed(stacks: Callable[[tuple[str, ...]], Path], tmp_path_factory: pytest.TempPathFactory) -> Printed:
    """What each load printed, by stack and load."""
    found: dict[str, dict[str, str]] = {}
    for name, stack in STACKS.items():
        command = [python_in(stacks(stack)), PROGRAM, tmp_path_factory.mktemp(name)]
        ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300, env={**os.environ, "HF_HUB_OFFLINE": "1"})
        loads = ran.stderr.split("\n=== ")[1:]
        found[name] = {load.partition("\n")[0]: load.partition("\n")[2] for load in loads}
    return found


def read(text: str) -> tuple[LoadReport, ...]:
    reader = LoadReportReader()
    for number, line in enumerate(cleaned(text.split("\n")), 1):
        reader.feed(number, unprefixed(line).text)
    return reader.reports()


def explained(text: str) -> Explanation:
    return explain_lines(text.split("\n"), MATRIX)


SHOWN = {
    "a head is new": (["only-a-head"], ["only-a-head"]),
    "a head and a pooler are new": (["only-a-head"], ["only-a-head"]),
    "a head is unused": (None, ["only-a-head-unused"]),
    "a wrapper's prefix": (["one-prefix", "nothing-taken"], ["one-prefix", "nothing-taken"]),
    "a layer is missing": (["whole-layers"], ["whole-layers"]),
    "a tied name is missing": (["only-ties"], ["only-ties"]),
    "another layout": (["nothing-in-common", "nothing-taken"], ["nothing-in-common", "nothing-taken"]),
    "other shapes, ignored": (["shapes-differ"], ["shapes-differ"]),
    "other shapes": (None, ["shapes-differ"]),
    "a tower is unused": (["part-unused"], ["part-unused"]),
    "torch's own words": (["one-prefix", "nothing-taken"], ["one-prefix", "nothing-taken"]),
    "torch's lists": (["one-prefix", "nothing-taken"], ["one-prefix", "nothing-taken"]),
}
"""By load: what its report shows in the old release and in the current; None where none is printed."""


@pytest.mark.parametrize("load", SHOWN)
@pytest.mark.parametrize("stack", STACKS)
def test_what_the_names_have_in_common(printed: Printed, stack: str, load: str) -> None:
    wanted = SHOWN[load][list(STACKS).index(stack)]
    assert [list(each.shows) for each in read(printed[stack][load])] == ([wanted] if wanted is not None else [])


def test_the_facts_of_a_report(printed: Printed) -> None:
    (report,) = read(printed["current"]["a wrapper's prefix"])
    assert (report.into, report.loaded, report.prefix) == ("LlamaForCausalLM", 0, "base_model.")
    assert "model.layers.{0, 1}.self_attn.k_proj.weight" in report.missing
    assert "base_model.lm_head.weight" in report.unexpected
    (report,) = read(printed["old"]["a head is new"])
    assert (report.into, report.missing, report.unexpected, report.loaded) == ("LlamaForSequenceClassification", ("score.weight",), (), None)
    (report,) = read(printed["old"]["torch's own words"])
    assert (report.prefix, len(report.missing), len(report.unexpected)) == ("module.", 21, 21)


CAUSES = {
    "a head is new": "harmless-load-report",
    "a head and a pooler are new": "harmless-load-report",
    "a wrapper's prefix": "wrong-checkpoint",
    "a layer is missing": "wrong-checkpoint",
    "another layout": "wrong-checkpoint",
    "a tower is unused": "wrong-model-class",
}


@pytest.mark.parametrize("load", CAUSES)
@pytest.mark.parametrize("stack", STACKS)
def test_a_load_that_raises_nothing_is_explained(printed: Printed, stack: str, load: str) -> None:
    for before in ("", "After the upgrade the model answers with garbage.\n"):
        explanation = explained(before + printed[stack][load])
        best = explanation.failures[0].causes[0]
        assert best.cause == CAUSES[load], explanation
        assert best.confidence >= 0.5
        assert any("load report" in said or "the names" in said or "a head" in said or "layers" in said or "part" in said for said in best.because)
        assert explanation.load_reports


CAUSES_SINCE_5 = {"experts by their names": "loader-key-mapping"}
"""transformers 5 writes experts one by one, and holds them in one tensor; accelerate loads by name."""


@pytest.mark.parametrize("load", CAUSES_SINCE_5)
def test_a_load_that_fails_since_transformers_5_is_explained(printed: Printed, load: str) -> None:
    (failure,) = explained(printed["current"][load]).failures
    assert failure.causes[0].cause == CAUSES_SINCE_5[load]
    assert failure.causes[0].confidence >= 0.5
    assert explained(printed["old"][load]).failures == ()


def test_a_tie_that_is_missing_is_a_failure_whose_cause_is_asked_for(printed: Printed) -> None:
    for stack in STACKS:
        (failure,) = explained(printed[stack]["a tied name is missing"]).failures
        assert failure.foreign is None


def test_shapes_that_differ_are_not_ours_where_they_are_refused(printed: Printed) -> None:
    for stack in STACKS:
        (failure,) = explained(printed[stack]["other shapes"]).failures
        assert failure.foreign == "shape-mismatch"


def test_ranks_print_one_report(printed: Printed) -> None:
    lines = printed["current"]["a layer is missing"].split("\n")
    (report,) = explained("\n".join(f"[rank{rank}]: {line}" for rank in range(4) for line in lines)).load_reports
    assert (report.shows, report.process) == (("whole-layers",), "0")


@pytest.mark.parametrize(
    ("text", "missing", "unexpected", "shows"),
    [
        ("missing keys: ['a.b.weight',\n 'c.d.weight']\nThat is all.", ["a.b.weight", "c.d.weight"], [], []),
        ("| lm_head.weight | MISSING | |", ["lm_head.weight"], [], ["only-ties"]),
        ("Following weights were not initialized from checkpoint: {'lm_head.weight'}", ["lm_head.weight"], [], ["only-ties"]),
        (
            "ValueError: Cannot load <class 'x.Unet'> from x because the following keys are missing:\n conv_in.weight, mid.block.0.bias.\nPlease",
            ["conv_in.weight", "mid.block.0.bias"],
            [],
            [],
        ),
        ("_IncompatibleKeys(missing_keys=[], unexpected_keys=['module.a.weight'])", [], ["module.a.weight"], ["part-unused"]),
        (
            "Some weights of Wav2Vec2Model were not initialized from the model checkpoint at x and are newly initialized: ['masked_spec_embed']",
            ["masked_spec_embed"],
            [],
            ["known-harmless"],
        ),
    ],
)
def test_what_else_is_read(text: str, missing: list[str], unexpected: list[str], shows: list[str]) -> None:
    (report,) = read(text)
    assert (list(report.missing), list(report.unexpected), list(report.shows)) == (missing, unexpected, shows)


@pytest.mark.parametrize("text", ["no keys are missing here", "Key | Status | MISSING", "missing keys: []", "he said: missing keys = none", "| M |"])
def test_what_is_no_report(text: str) -> None:
    assert read(text) == ()


def test_a_list_without_end_is_bounded() -> None:
    reader = LoadReportReader()
    reader.feed(1, "missing_keys=[" + ", ".join(f"'a.{number}.b{number}'" for number in range(10**5)))
    for number in range(2, 3000):
        reader.feed(number, f"'c.{number}.d'")
    (report,) = reader.reports()
    assert len(report.missing) <= 2000
