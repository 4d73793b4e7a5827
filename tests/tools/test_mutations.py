"""Fixed releases broken again by hand: the tool, and what it saw."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.version import Version

from doctor.knowledge.evidence import known_evidence
from doctor.knowledge.matrix_file import builtin_matrix
from doctor.reproduce import digest, reproducers
from tools.mutations import Edit, Mutation, Result, doubts, edited, known_mutations, known_results, write_results

MUTATIONS, RESULTS = known_mutations(), known_results()
MUTATION = next(each for each in MUTATIONS if each.id == "MT057")
RESULT = RESULTS["MT057"]


def test_twenty_advisories_and_more_are_broken_again() -> None:
    advisories = {each.id: each for each in builtin_matrix().advisories}
    counted = Counter(each.id for each in MUTATIONS)
    assert set(counted) <= advisories.keys()
    assert set(counted.values()) == {1}
    assert len(counted) >= 20
    assert {each.package for each in MUTATIONS} >= {"transformers", "accelerate", "sentence-transformers", "torch"}
    for each in MUTATIONS:
        affected = next(one for one in advisories[each.id].affected if one.package == each.package)
        ends = [bounds.fixed for bounds in affected.ranges if bounds.fixed is not None]
        assert Version(each.version) in ends or (each.package == "torch" and Version(each.version) > max(ends)), each.id


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda each: each.id)
def test_the_reproducer_fails_for_its_own_reason_and_again_without_the_fix(mutation: Mutation) -> None:
    """On the affected release as data/evidence/runs.json has it, and on the fixed one while the edit is in place."""
    result = RESULTS[mutation.id]
    assert (result.reproducer, result.mutation) == (digest(reproducers()[mutation.id]), mutation.digest)
    assert result.packages[mutation.package].partition("+")[0] == mutation.version
    assert list(doubts(mutation, result, known_evidence())) == []


def test_no_result_is_of_a_mutation_that_is_gone() -> None:
    assert RESULTS.keys() == {each.id for each in MUTATIONS}


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"mutated": RESULT.fixed}, "mutated: it does not fail"),
        ({"mutated": ("reproduced: TypeError: something else",)}, "mutated: it fails for another reason: reproduced: TypeError"),
        ({"mutated": (*RESULT.mutated, "broken [b]: OSError")}, "mutated: broken [b]"),
        ({"fixed": RESULT.mutated}, "fixed: it does not pass"),
        ({"restored": ("not applicable: no such thing",)}, "restored: it does not pass"),
        ({"reproducer": "0" * 16}, "another form of the reproducer"),
    ],
)
def test_what_shows_nothing_is_doubted(changed: dict[str, object], says: str) -> None:
    assert any(says in each for each in doubts(MUTATION, replace(RESULT, **changed), known_evidence()))  # type: ignore[arg-type]


def test_an_affected_release_that_fails_for_another_reason_is_doubted() -> None:
    other = replace(MUTATION, reason="something else")
    assert [each.partition(":")[0] for each in doubts(other, RESULT, known_evidence())] == ["on 1.14.0", "mutated"]
    assert "it did not fail on 1.15.0" in list(doubts(replace(MUTATION, affected="1.15.0"), RESULT, known_evidence()))


def test_an_edit_is_in_place_for_a_while_and_a_linked_file_stays_as_it_is(tmp_path: Path) -> None:
    cached, site = tmp_path / "cached.py", tmp_path / "site"
    cached.write_text("a = 1\nb = 2\n")
    (site / "package").mkdir(parents=True)
    file = site / "package" / "module.py"
    file.hardlink_to(cached)
    edits = [Edit("package/module.py", "a = 1", "a = 3"), Edit("package/module.py", "b = 2", "b = 4")]
    with pytest.raises(RuntimeError, match="in between"), edited(site, edits):
        assert file.read_text() == "a = 3\nb = 4\n"
        assert cached.read_text() == "a = 1\nb = 2\n"
        raise RuntimeError("in between")
    assert file.samefile(cached)
    assert [each.name for each in file.parent.iterdir()] == ["module.py"]


@pytest.mark.parametrize("before", ["c = 9", " = "])
def test_an_edit_that_does_not_fit_changes_nothing(tmp_path: Path, before: str) -> None:
    (tmp_path / "module.py").write_text("a = 1\nb = 2\n")
    with pytest.raises(ValueError, match=r"module\.py: stands there"), edited(tmp_path, [Edit("module.py", before, "")]):
        pass
    assert (tmp_path / "module.py").read_text() == "a = 1\nb = 2\n"


def test_results_are_written_a_line_each_and_read_again(tmp_path: Path) -> None:
    file = tmp_path / "mutations.json"
    write_results(RESULTS, file)
    assert known_results(file) == RESULTS
    assert len(file.read_text().splitlines()) == len(RESULTS) + 2
    assert isinstance(known_results(file)["MT057"], Result)


def test_a_faulty_list_is_told_by_place(tmp_path: Path) -> None:
    file = tmp_path / "mutations.yaml"
    file.write_text("- {id: MT001, release: x}\n")
    with pytest.raises(ValueError, match=r"mutations\.yaml: \[0\]: the key 'affected' is missing"):
        known_mutations(file)
