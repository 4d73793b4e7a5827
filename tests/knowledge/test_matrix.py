from __future__ import annotations

import dataclasses
import json
import pickle
import re
import tracemalloc
from pathlib import Path

import jsonschema
import pytest
from packaging.version import Version

from doctor.knowledge import matrix_file, schema
from doctor.knowledge.matrix import AffectedRange, parse_version
from doctor.knowledge.matrix_file import (
    MOST_FAULTS,
    MatrixFileError,
    builtin_file,
    builtin_matrix,
    compile_matrix,
    compiled_matrix,
    load_matrix,
    parse_matrix,
    read_matrix,
)
from doctor.knowledge.releases import known_releases
from doctor.reports.json import published_schemas

HEAD = """\
schema_version: 1
version: "test"
packages:
  transformers: {checked_up_to: "5.0.0"}
  torch: {checked_up_to: null}
advisories:
"""
ADVISORY = """\
  - id: MT900
    slug: one
    title: One
    kind: bug
    severity: error
    affected:
      - {package: transformers, ranges: [{introduced: "4.50.0.dev0", fixed: "4.50.0"}]}
    trigger: loading
    apis: [transformers.AutoModel]
    signature: null
    cause: unknown
    workaround: null
    references: [https://example.org/1]
    evidence: {level: reported, basis: none}
"""


def faults_of(text: str) -> list[str]:
    with pytest.raises(MatrixFileError) as caught:
        parse_matrix(text.encode(), "m.yaml")
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("introduced", "fixed", "version", "inside"),
    [
        ("4.50.0.dev0", "4.50.0", "4.50.0.dev0", True),
        ("4.50.0.dev0", "4.50.0", "4.50.0", False),
        ("4.50.0.dev0", "4.50.0", "4.49.0", False),
        ("4.50.0.dev0", "4.50.0", "4.50.0rc1", True),
        ("2.6.0", "2.7.0", "2.6.0+cu124", True),
        ("2.5.0", "2.6.0", "2.6.0+cu124", False),
        ("2.6.0", None, "2.6.0+cu124", True),
        ("1.0", "2.0", "1.0.post1", True),
        ("1.0", "2.0", "2.0.post1", False),
        ("1.0", "2.0", "2.0rc1", True),
        ("1.0", "2.0", "2.0.dev1", True),
        ("1.0", "2.0", "1.0rc1", False),
        (None, "2.0", "0.0.1", True),
        (None, None, "99", True),
        ("4.9.0", "4.10.0", "4.9.2", True),
        ("1!1.0", None, "2.0", False),
    ],
)
def test_ranges_are_half_open_in_pep_440_order(introduced: str | None, fixed: str | None, version: str, inside: bool) -> None:
    affected = AffectedRange(Version(introduced) if introduced else None, Version(fixed) if fixed else None)
    assert (parse_version(version) in affected) is inside


def test_a_valid_file_is_read_whole() -> None:
    matrix = parse_matrix((HEAD + ADVISORY).encode(), "m.yaml")
    assert matrix.advisories[0].affected[0].ranges == (AffectedRange(Version("4.50.0.dev0"), Version("4.50.0")),)


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        ("kind: bug", "kind: bog", "10: advisories[0].kind", "expected one of bug, misuse"),
        ("kind: bug", "kind: 1", "advisories[0].kind", "found '1'"),
        ("    kind: bug\n", "", "7: advisories[0]", "the key 'kind' is missing"),
        ("kind: bug", "kind: bug\n    colour: red", "advisories[0].colour", "unknown key"),
        ('introduced: "4.50.0.dev0"', 'introduced: "four"', "advisories[0].affected[0].ranges[0].introduced", "PEP 440"),
        ('introduced: "4.50.0.dev0"', "introduced: 4.5", "advisories[0].affected[0].ranges[0].introduced", "put it in quotes"),
        ('introduced: "4.50.0.dev0"', 'introduced: "4.50.0"', "advisories[0].affected[0].ranges[0]", "introduced 4.50.0 is not before fixed 4.50.0"),
        ('fixed: "4.50.0"}', 'fixed: null}, {introduced: "4.60.0", fixed: null}', "advisories[0].affected[0].ranges[1]", "overlaps"),
        ("package: transformers", "package: diffusers", "advisories[0].affected[0].package", "checked_up_to"),
        ("package: transformers", "package: Torch", "advisories[0].affected[0].package", "PEP 503"),
        ("evidence:", "related: [MT901]\n    evidence:", "advisories[0].related[0]", "not another advisory"),
        ("evidence:", "related: [MT900]\n    evidence:", "advisories[0].related[0]", "not another advisory"),
        ("references: [https://example.org/1]", "references: []", "advisories[0].references", "at least one"),
        ("references: [https://example.org/1]", "references: [example.org]", "advisories[0].references[0]", "https://"),
        ("signature: null", "signature: []", "advisories[0].signature", "expected a mapping"),
        ("trigger: loading", "trigger: [loading]", "advisories[0].trigger", "found a list"),
        ("evidence:", "when: {packages: [{package: torch}]}\n    evidence:", "advisories[0].when.packages[0]", "either"),
    ],
)
def test_a_fault_is_reported_with_its_line_and_place(old: str, new: str, place: str, message: str) -> None:
    assert old in ADVISORY
    (line,) = faults_of(HEAD + ADVISORY.replace(old, new, 1))
    assert line.startswith("m.yaml:")
    assert place in line
    assert message in line


def test_all_faults_of_a_file_are_reported_at_once() -> None:
    text = HEAD + ADVISORY.replace("kind: bug", "kind: bog").replace("severity: error", "severity: bad").replace("cause: unknown", "cause: 7")
    lines = faults_of(text)
    assert [line.split(":")[1] for line in lines] == ["10", "11", "17"]


def test_an_id_used_twice_is_refused() -> None:
    (first, second) = faults_of(HEAD + ADVISORY + ADVISORY)
    assert "advisories[1].id: MT900 is used twice" in first
    assert "advisories[1].slug: one is used twice" in second


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x [1]\nb: *x\n", "m.yaml:2: aliases"),
        ("a: !!python/object/apply:os.system [id]\n", "m.yaml:1"),
        ("a: 1\na: 2\n", "m.yaml:2: the key 'a' stands here twice"),
        ("[" * 100 + "]" * 100, "nested deeper"),
        ("a: [1\n", "m.yaml:2"),
        ("a: 1\n---\nb: 2\n", "a second document"),
        ("? [1]\n: 2\n", "a key must be text"),
        ("a: \x01\n", "m.yaml:1"),
        ("", "expected a mapping, found nothing"),
        ("- 1\n", "expected a mapping, found a list"),
    ],
)
def test_what_is_not_the_yaml_we_take_is_refused_in_one_line(text: str, message: str) -> None:
    assert message in "\n".join(faults_of(text))


@pytest.mark.parametrize("file", sorted((Path(__file__).parents[1] / "hostile" / "matrices").iterdir()), ids=lambda file: file.stem)
def test_a_hostile_file_is_refused_a_line_for_each_fault(file: Path) -> None:
    with pytest.raises(MatrixFileError) as caught:
        read_matrix(file)
    lines = str(caught.value).splitlines()
    assert 0 < len(lines) == len(caught.value.faults) <= MOST_FAULTS + 1
    assert all(line.startswith(str(file)) and len(line) < len(str(file)) + 300 for line in lines)


@pytest.mark.parametrize("faulty", ["- x\n", "- {colour: red}\n"])
def test_of_many_faults_the_first_are_told_and_the_others_counted(faulty: str) -> None:
    lines = faults_of(HEAD + faulty * 20_000)
    assert len(lines) == MOST_FAULTS + 1
    assert re.fullmatch(r"m\.yaml: and \d{5,6} more", lines[-1])


def test_memory_does_not_grow_with_the_number_of_faults() -> None:
    peaks = []
    for count in (2_000, 20_000):
        content = (HEAD + "- {colour: red}\n" * count).encode()
        tracemalloc.start()
        with pytest.raises(MatrixFileError):
            parse_matrix(content, "m.yaml")
        peaks.append(tracemalloc.get_traced_memory()[1] / len(content))
        tracemalloc.stop()
    assert peaks[1] < peaks[0] < 60


def test_more_values_than_any_matrix_has_are_not_read() -> None:
    (line,) = faults_of(HEAD + "- [" + "1," * 600_000 + "]")
    assert "more than 500000 values" in line


def test_an_alias_bomb_is_refused_at_its_first_alias() -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
    (line,) = faults_of(bomb)
    assert "m.yaml:2: aliases" in line


def test_a_file_of_fifty_megabytes_is_refused_without_being_read_whole(tmp_path: Path) -> None:
    big = tmp_path / "big.yaml"
    with big.open("wb") as file:
        file.truncate(50 * 1024 * 1024)
    with pytest.raises(MatrixFileError, match="larger than 8 MiB"):
        read_matrix(big)


def test_what_is_not_utf_8_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(MatrixFileError, match=r"m\.yaml:2: not UTF-8"):
        read_matrix(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(MatrixFileError, match=r"none\.yaml: cannot be read: No such file"):
        read_matrix(tmp_path / "none.yaml")


def test_an_own_matrix_stands_beside_the_built_in_one(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(HEAD + ADVISORY)
    both = load_matrix(["builtin", str(own)])
    assert both.advisory("MT900") is not None
    assert both.advisory("mt001") is not None
    assert load_matrix([str(own)]).advisory("MT001") is None


def test_an_id_used_by_two_matrices_is_refused(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(HEAD + ADVISORY)
    with pytest.raises(MatrixFileError, match="MT900 is used twice"):
        load_matrix([str(own), str(own)])


def test_the_compiled_copy_is_the_matrix_the_yaml_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = (HEAD + ADVISORY).encode()
    copy = tmp_path / "compat.json"
    copy.write_text(compile_matrix(content, "m.yaml"))
    monkeypatch.setattr(matrix_file, "COMPILED", copy)
    matrix = parse_matrix(content, "m.yaml")
    assert compiled_matrix(content) == matrix
    assert compiled_matrix(content + b"# edited") is None
    read = compiled_matrix(content)
    assert read is not None
    assert read.advisory("MT900") == pickle.loads(pickle.dumps(read)).advisories[0] == matrix.advisories[0]
    assert dataclasses.asdict(read) == dataclasses.asdict(matrix)
    assert dataclasses.replace(read.advisories[0], workaround="x").evidence == matrix.advisories[0].evidence
    last = compiled_matrix(content)
    assert last is not None
    assert last.advisories[0].workaround == matrix.advisories[0].workaround  # its default is not taken for it


def test_the_published_schema_takes_the_built_in_matrix_and_refuses_faults() -> None:
    published = json.loads(published_schemas()["matrix.schema.json"])
    jsonschema.Draft202012Validator.check_schema(published)
    data = schema.plain(builtin_matrix())
    jsonschema.validate(data, published)
    data["advisories"][0]["kind"] = "bog"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, published)


def test_the_compiled_copy_of_the_built_in_matrix_is_that_matrix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content, copy = builtin_file().read_bytes(), tmp_path / "compat.json"
    copy.write_text(compile_matrix(content, "compat.yaml"))
    monkeypatch.setattr(matrix_file, "COMPILED", copy)
    assert compiled_matrix(content) == parse_matrix(content, "compat.yaml")


class TestBuiltIn:
    """The matrix doctor ships."""

    def test_it_has_advisories_of_every_kind_and_severity(self) -> None:
        advisories = read_matrix(builtin_file()).advisories
        assert len(advisories) >= 30
        assert {each.kind for each in advisories} == {"bug", "misuse", "resource", "incompatibility"}
        assert {each.severity for each in advisories} == {"silent", "error", "warning"}

    def test_ids_are_in_order(self) -> None:
        ids = [each.id for each in builtin_matrix().advisories]
        assert ids == sorted(ids)

    def test_every_boundary_is_a_release_that_exists(self) -> None:
        """A range that ends or begins between releases would be a guess; development builds are the exception."""
        for advisory in builtin_matrix().advisories:
            for affected in advisory.affected:
                released = {each.version for each in known_releases()[affected.package]}
                for boundary in (each for bounds in affected.ranges for each in (bounds.introduced, bounds.fixed)):
                    assert boundary is None or boundary.is_devrelease or boundary in released, (advisory.id, affected.package, str(boundary))

    def test_every_package_is_checked_up_to_a_release_that_exists(self) -> None:
        for name, coverage in builtin_matrix().packages.items():
            if coverage.checked_up_to is not None:
                assert coverage.checked_up_to in {each.version for each in known_releases()[name]}, name

    def test_no_workaround_names_a_release_to_go_to(self) -> None:
        """Which release to go to depends on what else holds there: the plan decides it, case by case."""
        for advisory in builtin_matrix().advisories:
            assert not re.search(r"(?i)\b(up|down)grade\b.*\d\.\d|\buse \d+\.\d", advisory.workaround or ""), advisory.id

    def test_the_seed_of_this_project_bites_development_builds_only(self) -> None:
        seed = builtin_matrix().advisory("MT001")
        assert seed is not None
        assert "https://github.com/huggingface/transformers/issues/36579" in seed.references
        (bounds,) = seed.affected[0].ranges
        hit = [str(each.version) for each in known_releases()["transformers"] if each.version in bounds]
        assert hit == []
        assert Version("4.50.0.dev0") in bounds

    def test_the_to_empty_trap_is_there_and_is_never_the_advice(self) -> None:
        matrix = builtin_matrix()
        assert any("to_empty" in each.title and each.severity == "silent" and each.kind == "misuse" for each in matrix.advisories)
        named_in_workarounds = {each.id for each in matrix.advisories if "to_empty" in (each.workaround or "")}
        about_models_that_hold_no_weights = {"MT080", "MT081", "MT089"}
        assert named_in_workarounds <= about_models_that_hold_no_weights
