"""The site as files: whole, linked, small, under its own policy; and the folder it is written to."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag

import jsonschema
import pytest
from packaging.version import Version

from doctor.knowledge.matrix_file import builtin_matrix
from doctor.knowledge.releases import known_releases
from doctor.reports.json import published_schemas
from doctor.site.ranges import packages_of, stretches_of
from tests.conftest import Doctor

_MOST_BYTES = 200_000
_VOID = {"meta", "br", "hr", "link", "img", "input", "rect"}


class _Page(HTMLParser):
    def __init__(self, file: Path) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(file.read_text("utf-8"))
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self.open.pop() == tag

    def every(self, attribute: str) -> list[str]:
        return [str(attributes[attribute]) for _, attributes in self.elements if attribute in attributes]


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, _Page]:
    return {file: _Page(file) for file in sorted(site.rglob("*.html"))}


def test_every_link_leads_to_something(site: Path, pages: dict[Path, _Page]) -> None:
    def broken() -> Iterator[str]:
        for file, page in pages.items():
            for link in [*page.every("href"), *page.every("src")]:
                if link.startswith(("https://", "data:,")):
                    continue
                path, fragment = urldefrag(link)
                target = (file.parent / unquote(path)).resolve() if path else file
                if not target.is_file() or site.resolve() not in target.parents:
                    yield f"{file.relative_to(site)}: {link}"
                elif fragment and fragment not in pages[target].every("id"):
                    yield f"{file.relative_to(site)}: {link} (no such place)"

    assert list(broken()) == []


def test_every_page_is_small_and_under_a_policy(site: Path, pages: dict[Path, _Page]) -> None:
    for file, page in pages.items():
        weight = sum(each.stat().st_size for each in (file, *(file.parent / each for each in page.every("src")), site / "static" / "site.css"))
        assert weight < _MOST_BYTES, file
        (policy,) = [each["content"] for tag, each in page.elements if each.get("http-equiv") == "Content-Security-Policy"]
        assert "default-src 'none'" in str(policy)
        assert "unsafe-inline" not in str(policy)
        assert "'unsafe-eval'" not in str(policy)
        assert page.every("style") == []
        assert [tag for tag, _ in page.elements if tag in ("style", "iframe", "img", "object", "embed", "base")] == []
        assert [each for tag, each in page.elements if tag == "script" and "src" not in each and each.get("type") != "application/json"] == []
        assert [name for _, attributes in page.elements for name in attributes if name.startswith("on")] == []
        assert sum(tag == "h1" for tag, _ in page.elements) == 1
        assert len(set(page.every("id"))) == len(page.every("id")), file


def test_every_advisory_has_a_page_that_tells_all(site: Path) -> None:
    from html import unescape

    for advisory in builtin_matrix().advisories:
        text = unescape((site / "matrix" / f"{advisory.id}.html").read_text("utf-8"))
        for expected in (advisory.title, advisory.trigger, advisory.cause, advisory.evidence.basis, *advisory.references, *advisory.apis):
            assert expected in text, advisory.id
        assert f'rel="bookmark" href="{advisory.id}.html"' in text
        for affected in advisory.affected:
            assert f'aria-label="{affected.package}, release by release; in words below"' in text


def test_the_json_is_by_the_published_schemas(site: Path, matrix: Any) -> None:
    schemas = published_schemas()
    jsonschema.validate(json.loads((site / "api" / "matrix.json").read_text("utf-8")), json.loads(schemas["listing.schema.json"]))
    assert len(json.loads((site / "api" / "osv.json").read_text("utf-8"))) == len(matrix["advisories"])
    one = json.loads(schemas["matrix.schema.json"])
    one = {**one["properties"]["advisories"]["items"], "$defs": one.get("$defs", {})}
    validator = jsonschema.Draft202012Validator(one)
    for each in matrix["advisories"]:
        advisory = json.loads((site / "api" / "advisories" / f"{each['id']}.json").read_text("utf-8"))
        validator.validate(advisory)
        assert advisory == each
    for name, text in schemas.items():
        assert (site / "schemas" / name).read_text("utf-8") == text


def test_the_changes_of_a_package_add_up(site: Path) -> None:
    """From one stretch to the next, what is new and gone makes of the one list the other; a release lies in what the matrix says of it."""
    matrix, releases = builtin_matrix(), known_releases()
    for package, versions in packages_of(matrix, releases).items():
        stretches = stretches_of(package, versions, matrix)
        lives: set[str] = set()
        for each in stretches:
            lives = (lives | set(each.new)) - set(each.gone)
            assert lives == set(each.ids)
        assert sum(each.count for each in stretches) == len(versions)
        newest = {
            each.id for each in matrix.advisories for one in each.affected if one.package == package and any(versions[-1] in at for at in one.ranges)
        }
        assert set(stretches[-1].ids) == newest
        assert len(re.findall(r"<tr><th", (site / "releases" / f"{package}.html").read_text("utf-8"))) >= len(stretches)
    assert stretches_of("transformers", (Version("4.51.3"),), matrix)[0].ids


def test_reference_pages_are_of_the_code(site: Path) -> None:
    import doctor

    api = (site / "docs" / "reference-api.html").read_text("utf-8")
    assert [name for name in doctor.__all__ if name[0] != "_" and f'id="{name}"' not in api] == []
    commands = (site / "docs" / "reference-cli.html").read_text("utf-8")
    for command in ("doctor explain", "doctor matrix export", "doctor site"):
        assert f"usage: {command}" in commands


def test_every_page_of_the_docs_is_in_a_chapter(site: Path) -> None:
    index = (site / "docs" / "index.html").read_text("utf-8")
    names = {each.name for each in (site / "docs").glob("*.html")} - {"index.html"}
    assert {each for each in names if f'href="{each}"' not in index} == set()


def test_what_is_there_is_replaced_only_when_it_is_a_site(doctor: Doctor, site: Path, tmp_path: Path) -> None:
    shutil.copytree(site, tmp_path / "public", ignore=shutil.ignore_patterns("python"))
    (tmp_path / "public" / "old.html").touch()
    again = doctor("site", "-o", "public")
    assert (again.code, "--force replaces it" in again.err) == (2, True)
    assert doctor("site", "-o", "public", "--force").code == 0
    assert not (tmp_path / "public" / "old.html").exists()
    assert [each.name for each in tmp_path.iterdir()] == ["public"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("all of it")
    refused = doctor("site", "-o", "mine", "--force")
    assert (refused.code, "no site of doctor's" in refused.err) == (2, True)
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "all of it"


def test_a_folder_that_is_no_pyodide_is_said_to_be_none(doctor: Doctor, tmp_path: Path) -> None:
    ran = doctor("site", "-o", "public", "--pyodide", tmp_path)
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert "npm install pyodide" in ran.err
    assert not (tmp_path / "public").exists()


def test_without_its_packages_one_line_says_so(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['jinja2'] = None\n")
    ran = doctor("site", "-o", "public", variables={"PYTHONPATH": str(tmp_path)})
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert "pip install 'meta-tensor-doctor[site]'" in ran.err
