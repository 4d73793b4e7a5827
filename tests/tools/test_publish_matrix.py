"""What is published for `doctor matrix update`: both files, from one command."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from doctor.facts.frozen import replace
from doctor.knowledge.matrix_file import builtin_matrix, read_matrix
from doctor.knowledge.releases import known_releases
from doctor.readers.published import read_published
from tools.publish_matrix import published, write


def test_the_matrix_is_written_with_its_releases_and_its_checksum(tmp_path: Path) -> None:
    matrix, checksum = write(tmp_path / "site")
    assert checksum.read_text() == f"{hashlib.sha256(matrix.read_bytes()).hexdigest()}  compat.yaml\n"
    assert read_published(str(matrix), None, 10**7).content == matrix.read_bytes()
    own, found = builtin_matrix(), read_matrix(matrix)
    assert replace(found, packages=own.packages, source=own.source) == own
    assert known_releases(found) == known_releases()
    assert found.packages["transformers"].releases.keys() == {str(each.version) for each in known_releases()["transformers"]}
    assert found.packages["numpy"].releases == {}


def test_a_package_whose_releases_find_no_place_is_named() -> None:
    yaml = 'schema_version: 1\nversion: "2026.12.01"\npackages:\n  torch:\n    checked_up_to: "2.15.0"\nadvisories: []\n'
    with pytest.raises(ValueError, match="releases of torch"):
        published(yaml, {"torch": {"2.15.0": ">=3.10"}})
