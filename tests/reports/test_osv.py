"""`doctor matrix export`: what others' programs read of the matrix."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema

from doctor.knowledge.matrix_file import builtin_file, builtin_matrix
from doctor.knowledge.releases import known_releases
from doctor.reports.json import published_schemas
from tests.conftest import Doctor

RECORD = {
    # What https://ossf.github.io/osv-schema/ (1.7.5) says of the fields that are written here.
    "type": "object",
    "required": ["schema_version", "id", "modified", "affected"],
    "properties": {
        "id": {"pattern": r"^x_\w+$"},
        "modified": {"pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"},
        "affected": {
            "minItems": 1,
            "items": {
                "required": ["package", "ranges"],
                "properties": {
                    "package": {"required": ["ecosystem", "name"]},
                    "ranges": {
                        "items": {
                            "properties": {
                                "type": {"enum": ["SEMVER", "ECOSYSTEM", "GIT"]},
                                "events": {
                                    "minItems": 1,
                                    "contains": {"required": ["introduced"]},
                                    "items": {"minProperties": 1, "maxProperties": 1, "additionalProperties": {"type": "string"}},
                                },
                            }
                        }
                    },
                },
            },
        },
        "references": {"items": {"required": ["type", "url"], "properties": {"type": {"enum": ["REPORT", "WEB"]}}}},
    },
}


def test_every_advisory_is_an_osv_record(doctor: Doctor, tmp_path: Path) -> None:
    assert doctor("matrix", "export", "--output", "osv.json").code == 0
    records = json.loads((tmp_path / "osv.json").read_text())
    jsonschema.validate(records, {"type": "array", "items": RECORD})
    assert [each["id"] for each in records] == [f"x_{each.id}" for each in builtin_matrix().advisories]
    race = next(each for each in records if each["id"] == "x_MT002")
    assert race["affected"][0]["ranges"] == [{"type": "ECOSYSTEM", "events": [{"introduced": "4.51.0"}, {"fixed": "5.0.0"}]}]
    versions = [str(each.version) for each in known_releases()["transformers"]]
    assert race["affected"][0]["versions"] == versions[versions.index("4.51.0") : versions.index("5.0.0")]
    assert race["database_specific"]["uses"]["any"][0]["all"] == ["load", "in-threads"]


def test_the_whole_matrix_is_one_document_too(doctor: Doctor) -> None:
    exported = doctor("matrix", "export", "--format", "json").json
    jsonschema.validate(exported, json.loads(published_schemas()["listing.schema.json"]))
    assert len(exported["matrix"]["advisories"]) == len(builtin_matrix().advisories)


def test_a_matrix_without_a_date_is_no_source_of_osv_records(doctor: Doctor, tmp_path: Path) -> None:
    text = builtin_file().read_text("utf-8")
    version = f'version: "{builtin_matrix().version}"'
    (tmp_path / "own.yaml").write_text(text.replace(version, 'version: "draft"', 1), "utf-8")
    ran = doctor("matrix", "export", "--matrix", "own.yaml", "--output", "osv.json")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "doctor: the matrix's version is 'draft' and no date such as 2026.11.25: OSV records say when they were modified\n"
    assert not (tmp_path / "osv.json").exists()
