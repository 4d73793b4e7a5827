"""The releases that are known: those listed, and those that an updated matrix brings."""

from __future__ import annotations

from packaging.version import Version

from doctor.facts.frozen import replace
from doctor.knowledge.matrix import PackageCoverage
from doctor.knowledge.matrix_file import builtin_matrix
from doctor.knowledge.releases import Release, known_releases


def test_what_a_matrix_brings_is_added_in_its_order_and_outweighs_what_was_listed() -> None:
    brought = {"5.24.0": None, "99.0.0": ">=3.12", "4.46.4": ">=3.8"}
    packages = {**builtin_matrix().packages, "transformers": PackageCoverage(Version("99.0.0"), brought)}
    listed, known = known_releases()["transformers"], known_releases(replace(builtin_matrix(), packages=packages))["transformers"]
    assert [each.version for each in known] == sorted(each.version for each in known)
    assert set(known) - set(listed) == {
        Release(Version("4.46.4"), ">=3.8"),
        Release(Version("5.24.0"), "", True),
        Release(Version("99.0.0"), ">=3.12"),
    }
    assert len(known) == len(listed) + 2
    assert known_releases(builtin_matrix()) is known_releases()
