"""The matrix against what was run."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from packaging.version import Version

from doctor.facts.observation import CONTROL
from doctor.knowledge.evidence import (
    FILE,
    Evidence,
    Runs,
    SweptEnvironment,
    contradictions,
    is_controlled,
    is_proved,
    known_evidence,
    level_of,
    relevant_verdicts,
    shapes_seen,
    unseen,
    wrong_parts,
)
from doctor.knowledge.matrix import PartlyAffected
from doctor.knowledge.matrix_file import builtin_matrix
from doctor.knowledge.releases import Release, known_releases
from doctor.reproduce import digest, reproducers, shapes
from tests.environments import matrix
from tools.sweep import as_text, read_evidence

RELEASES = {"lib": tuple(Release(Version(version), "") for version in ("1.0", "2.0", "3.0", "4.0"))}


def evidence(**verdicts: str) -> Evidence:
    """Evidence of MT001 on `lib`: `v1_0="reproduced"`."""
    seen: dict[str, tuple[str, ...]] = {}
    for name, verdict in verdicts.items():
        said = f"{verdict}: as it was"
        seen[said] = (*seen.get(said, ()), name[1:].replace("_", "."))
    environments = {name[1:].replace("_", "."): SweptEnvironment("2026-01-01", "3.11.0", {"dep": "1.5"}, None) for name in verdicts}
    return Evidence(1, {"lib": environments}, {"MT001": {"lib": Runs("abc", seen)}})


BAD, GOOD, ABSENT, BROKEN = "reproduced", "not reproduced", "not applicable", "broken"


@pytest.mark.parametrize(
    ("ranges", "seen", "faults"),
    [
        ("[2.0,3.0)", {"v1_0": GOOD, "v2_0": BAD, "v3_0": GOOD}, []),
        ("[2.0,3.0)", {"v1_0": BAD}, ["reproduced on lib 1.0, which no range holds"]),
        ("[2.0,3.0)", {"v2_0": GOOD}, ["not reproduced on lib 2.0, which a range holds"]),
        ("[2.0,3.0)", {"v2_0": ABSENT, "v3_0": BROKEN}, []),
        ("[-,2.0) [3.0,4.0)", {"v1_0": BAD, "v2_0": GOOD, "v3_0": BAD, "v4_0": GOOD}, []),
    ],
)
def test_a_range_that_the_runs_deny_is_a_contradiction(ranges: str, seen: dict[str, str], faults: list[str]) -> None:
    advisory = matrix(f"MT001 bug error lib {ranges}").advisories[0]
    assert list(contradictions(advisory, evidence(**seen))) == [f"MT001: {fault}" for fault in faults]


@pytest.mark.parametrize(
    ("ranges", "seen", "proved"),
    [
        ("[2.0,3.0)", {"v1_0": GOOD, "v2_0": BAD, "v3_0": GOOD}, True),
        ("[2.0,3.0)", {"v1_0": ABSENT, "v2_0": BAD, "v3_0": GOOD}, True),
        ("[2.0,3.0)", {"v2_0": BAD, "v3_0": GOOD}, False),
        ("[2.0,4.0)", {"v1_0": GOOD, "v2_0": BAD, "v4_0": GOOD}, False),
        ("[2.0,-)", {"v1_0": GOOD, "v2_0": BAD}, True),
        ("[2.0,-)", {"v1_0": ABSENT, "v2_0": BAD}, False),
        ("[-,-)", {"v1_0": BAD, "v2_0": BAD}, False),
    ],
)
def test_proved_is_seen_to_fail_and_to_pass_with_neighbours_at_every_boundary(ranges: str, seen: dict[str, str], proved: bool) -> None:
    advisory = matrix(f"MT001 bug error lib {ranges}").advisories[0]
    assert is_proved(advisory, evidence(**seen), RELEASES) is proved


def test_runs_where_the_conditions_do_not_hold_prove_nothing() -> None:
    advisory = matrix('MT001 bug error lib [-,-) when {packages: [{package: dep, ranges: [{introduced: "2.0", fixed: null}]}]}').advisories[0]
    assert relevant_verdicts(advisory, "lib", evidence(v1_0=GOOD)) == {}


def test_a_verdict_that_depends_on_a_companion_denies_the_range() -> None:
    """It failed on that release with one companion, and that is no condition of the advisory: the range says too much of the others."""
    whole = matrix("MT001 bug error lib [2.0,-)").advisories[0]
    environments = {label: SweptEnvironment("2026-01-01", "3.11.0", {}, None) for label in ("2.0", "2.0 with dep==1.5")}
    seen = {f"{BAD}: as it was": ("2.0",), f"{GOOD}: as it was": ("2.0 with dep==1.5",)}
    runs = Evidence(1, {"lib": environments}, {"MT001": {"lib": Runs("abc", seen)}})
    assert list(contradictions(whole, runs)) == ["MT001: not reproduced on lib 2.0 with dep==1.5, which a range holds"]
    assert relevant_verdicts(whole, "lib", runs) == {Version("2.0"): BAD}


def in_shapes(**seen: tuple[str, ...]) -> Evidence:
    """Evidence of MT001 on `lib`, by shape: `head=("reproduced 1.0", "not reproduced 2.0")`."""
    lines: dict[str, tuple[str, ...]] = {}
    for shape, outcomes in seen.items():
        for outcome in outcomes:
            verdict, _, release = outcome.rpartition(" ")
            said = f"{verdict} [{shape}]: as it was"
            lines[said] = (*lines.get(said, ()), release)
    environments = {release: SweptEnvironment("2026-01-01", "3.11.0", {}, None) for releases in lines.values() for release in releases}
    return Evidence(1, {"lib": environments}, {"MT001": {"lib": Runs("abc", lines)}})


ADVISORY = matrix("MT001 bug error lib [-,2.0)").advisories[0]


def test_a_release_passes_only_in_all_shapes() -> None:
    """A recommended release is one that no range holds: a shape that still fails there contradicts the range's end."""
    runs = in_shapes(first=("reproduced 1.0", "not reproduced 2.0"), last=("reproduced 1.0", "reproduced 2.0", "not reproduced 3.0"))
    assert list(contradictions(ADVISORY, runs)) == ["MT001: reproduced on lib 2.0, which no range holds"]
    assert shapes_seen(ADVISORY, "lib", runs)[Version("2.0")] == {"reproduced": {"last"}, "not reproduced": {"first"}}


@pytest.mark.parametrize(
    ("part", "faults"),
    [
        ((), ["MT001: of lib 2.0 no part says that only these shapes fail: last"]),
        ((("2.0", "3.0", ("last",)),), []),
        ((("2.0", "3.0", ("first",)),), ["MT001: of lib 2.0 a part says that first fail, and these did: last"]),
        (
            (("1.0", "3.0", ("last",)),),
            ["MT001: of lib 1.0 a part says that last fail, and these did: first, last"],
        ),
    ],
)
def test_where_some_shapes_pass_the_matrix_says_which_fail(part: tuple[tuple[str, str, tuple[str, ...]], ...], faults: list[str]) -> None:
    runs = in_shapes(first=("reproduced 1.0", "not reproduced 2.0"), last=("reproduced 1.0", "reproduced 2.0", "not reproduced 3.0"))
    (whole,) = matrix("MT001 bug error lib [-,3.0)").advisories[0].affected
    parts = tuple(PartlyAffected(Version(start), Version(end), shapes, "sometimes") for start, end, shapes in part)
    advisory = replace(ADVISORY, affected=(replace(whole, partly=parts),))
    assert list(wrong_parts(advisory, runs)) == faults


def test_a_shape_that_could_not_be_tried_leaves_the_release_untold() -> None:
    runs = in_shapes(first=("reproduced 1.0", "not reproduced 2.0"), last=("reproduced 1.0", "broken 2.0"))
    assert relevant_verdicts(ADVISORY, "lib", runs) == {Version("1.0"): "reproduced"}
    assert not is_proved(ADVISORY, runs, RELEASES)


def test_not_applicable_inside_a_range_is_a_fault() -> None:
    assert list(unseen(ADVISORY, evidence(v1_0=ABSENT, v2_0=ABSENT))) == ["MT001: not applicable on lib 1.0, which a range holds"]


@pytest.mark.parametrize(
    ("control", "level"),
    [
        (("not reproduced 1.0", "not reproduced 2.0"), "controlled"),
        (("not reproduced 1.0",), "reported"),
        (("not reproduced 1.0", "reproduced 2.0"), "reported"),
        (("not reproduced 1.0", "broken 2.0"), "reported"),
        ((), "reported"),
    ],
)
def test_controlled_is_the_right_way_passing_wherever_the_wrong_one_fails(control: tuple[str, ...], level: str) -> None:
    advisory = matrix("MT001 bug error lib [-,-)").advisories[0]
    runs = in_shapes(**{"wrong": ("reproduced 1.0", "reproduced 2.0"), CONTROL: control})
    assert is_controlled(advisory, runs) is (level == "controlled")
    assert level_of(advisory, runs, RELEASES) == level
    assert list(contradictions(advisory, runs)) == []


@pytest.mark.parametrize("advisory", builtin_matrix().advisories, ids=lambda advisory: advisory.id)
class TestBuiltIn:
    """Every advisory doctor ships."""

    def test_no_run_denies_its_ranges(self, advisory: object) -> None:
        assert list(contradictions(advisory, known_evidence())) == []  # type: ignore[arg-type]

    def test_it_claims_to_be_proved_exactly_when_it_is(self, advisory: object) -> None:
        """After a sweep: python tools/evidence_levels.py."""
        level = level_of(advisory, known_evidence(), known_releases())  # type: ignore[arg-type]
        assert advisory.evidence.level == level  # type: ignore[attr-defined]

    def test_every_release_it_claims_was_seen_to_fail_where_it_was_run(self, advisory: object) -> None:
        assert list(unseen(advisory, known_evidence())) == []  # type: ignore[arg-type]

    def test_where_some_shapes_pass_it_says_which_fail(self, advisory: object) -> None:
        assert list(wrong_parts(advisory, known_evidence())) == []  # type: ignore[arg-type]

    def test_it_says_in_which_shapes_it_was_run(self, advisory: object) -> None:
        script = reproducers().get(advisory.id)  # type: ignore[attr-defined]
        said = advisory.evidence.shapes  # type: ignore[attr-defined]
        assert bool(said) is (script is not None)
        named = [name for name in shapes(script) if name != CONTROL] if script is not None else []
        assert not named or list(said) == named


WORDS_OF_A_SHAPE = {
    r"^accelerate alone": (r"import accelerate|from accelerate|_offload", r"import transformers|from transformers"),
    r"^torch alone": (r"import torch|from torch", r"from (?:transformers|accelerate)"),
    r"Llama": (r"[Ll]lama", None),
    r"\.bin file(?! where)": (r"_offload\.checkpoint\(|_offload\.tied_on_disk\(|safe_serialization", None),
    r"no file$": (None, r"_offload\.checkpoint\(|save_pretrained\("),
    r"low_cpu_mem_usage": (r"low_cpu_mem_usage", None),
    r"cpu_offload": (r"cpu_offload\(", None),
    r"by dispatch_model": (r"dispatch_model\(", None),
    r"under init_empty_weights": (r"init_empty_weights\(", None),
    r"safetensors file": (r"safetensors|safe_serialization", None),
    r"plain load": (r"\.from_pretrained\(path", None),
}
"""What the description of a script's only shape says: what must be in the script for it, and what must not."""


@pytest.mark.parametrize("advisory_id", [name for name, path in reproducers().items() if not shapes(path)])
def test_the_description_of_an_only_shape_is_of_what_the_script_does(advisory_id: str) -> None:
    script = reproducers()[advisory_id].read_text("utf-8")
    (said,) = next(each.evidence.shapes for each in builtin_matrix().advisories if each.id == advisory_id)
    for words, (there, absent) in WORDS_OF_A_SHAPE.items():
        if re.search(words, said):
            assert there is None or re.search(there, script), words
            assert absent is None or not re.search(absent, script), words


def test_the_evidence_is_of_the_reproducers_shipped() -> None:
    """A reproducer that was changed has to be run again: python tools/sweep.py."""
    scripts = reproducers()
    stale = [
        f"{advisory_id} on {package}"
        for advisory_id, packages in known_evidence().runs.items()
        for package, runs in packages.items()
        if runs.reproducer != digest(scripts[advisory_id])
    ]
    assert stale == []


def test_the_file_is_as_the_sweep_writes_it() -> None:
    assert as_text(read_evidence(FILE)) == FILE.read_text("utf-8")
