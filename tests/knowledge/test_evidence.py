"""The matrix against what was run."""

from __future__ import annotations

import pytest
from packaging.version import Version

from doctor.knowledge.evidence import FILE, Evidence, Runs, SweptEnvironment, contradictions, is_proved, known_evidence, relevant_verdicts
from doctor.knowledge.matrix_file import builtin_matrix
from doctor.knowledge.releases import Release, known_releases
from doctor.reproduce import digest, reproducers
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


@pytest.mark.parametrize("advisory", builtin_matrix().advisories, ids=lambda advisory: advisory.id)
class TestBuiltIn:
    """Every advisory doctor ships."""

    def test_no_run_denies_its_ranges(self, advisory: object) -> None:
        assert list(contradictions(advisory, known_evidence())) == []  # type: ignore[arg-type]

    def test_it_claims_to_be_proved_exactly_when_it_is(self, advisory: object) -> None:
        """After a sweep: python tools/evidence_levels.py."""
        proved = is_proved(advisory, known_evidence(), known_releases())  # type: ignore[arg-type]
        assert (advisory.evidence.level == "run") is proved  # type: ignore[attr-defined]


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
