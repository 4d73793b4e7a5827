"""From the matrix, what was run for it and the docs to the files of the site."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from doctor.facts.frozen import Frozen
from doctor.knowledge.evidence import Evidence, release_of
from doctor.knowledge.matrix import Advisory, Matrix
from doctor.knowledge.releases import Releases
from doctor.reports.advisory import ranges_in_words, rows_of
from doctor.reports.json import as_json, published_schemas
from doctor.reports.matrix import listing_of
from doctor.reports.osv import osv_records
from doctor.reports.strip import State, strip_of
from doctor.site import reference
from doctor.site.browser import archive
from doctor.site.docs import DocPage, doc_pages
from doctor.site.ranges import intervals_of, packages_of, stretches_of
from doctor.version import __version__

_CHAPTERS: Mapping[str, Sequence[str]] = {
    "Begin": ("tutorial", "manual"),
    "How to": ("ci", "containers", "fleet", "triage", "notebooks", "agents", "air-gapped", "site"),
    "What it does": ("programs", "fix", "models", "verify", "causes", "evidence", "privacy"),
    "Reference": ("reference-cli", "reference-api", "reference-json", "reference-vocabulary"),
}
_OTHERS = "What it does"
"""The chapter of the pages that no chapter names."""
_STATES: Mapping[State, str] = {
    "reproduced": "run, and seen to fail",
    "not reproduced": "run, and seen to pass",
    "not applicable": "run; it cannot occur there",
    "affected": "not run; the matrix says that it lives there",
    "not affected": "not run; the matrix says that it does not live there",
}


class Sources(Frozen):
    """What the site is made of."""

    matrix: Matrix
    evidence: Evidence
    releases: Releases
    scripts: Mapping[str, Path]
    """Reproducers, by advisory."""
    docs: Path
    """The folder of the docs."""
    help: Mapping[str, str]
    """What `--help` prints, by the command it is of."""
    runtime: Mapping[str, bytes] | None
    """Pyodide's files by name; None: the explain page says that it was built without."""


def site(sources: Sources) -> Iterator[tuple[str, bytes]]:
    """Every file, by its path in the site's folder."""
    pages = _Pages(sources)
    for path, text in itertools.chain(pages.of_the_matrix(), pages.of_releases(), pages.of_docs(), _api(sources)):
        yield path, text.encode("utf-8")
    for file in sorted((Path(__file__).parent / "static").iterdir()):
        yield f"static/{file.name}", file.read_bytes()
    yield "index.html", pages.page("index.html", "index.html", "Why a weight has no data").encode("utf-8")
    yield "explain.html", pages.page("explain.html", "explain.html", "Explain a failure", runs=sources.runtime is not None).encode("utf-8")
    if sources.runtime is not None:
        yield from ((f"python/{name}", content) for name, content in sources.runtime.items())
        yield "python/doctor.zip", archive()


def _api(sources: Sources) -> Iterator[tuple[str, str]]:
    """The matrix for other programs."""
    matrix = sources.matrix
    yield "api/matrix.json", as_json(listing_of(matrix, matrix.advisories))
    yield "api/osv.json", as_json(osv_records(matrix, sources.releases))
    yield from ((f"api/advisories/{each.id}.json", as_json(each, levels=1)) for each in matrix.advisories)
    yield from ((f"schemas/{name}", text) for name, text in published_schemas().items())


class _Pages:
    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._packages = packages_of(sources.matrix, sources.releases)
        self._templates = Environment(
            loader=PackageLoader("doctor.site"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        self._templates.filters["in_words"] = ranges_in_words
        self._templates.tests["startingwith"] = str.startswith

    def page(self, path: str, template: str, title: str, **more: Any) -> str:
        """One page, whose links lead from `path`."""
        common = {"root": "../" * path.count("/"), "here": path, "title": title, "version": __version__, "matrix": self._sources.matrix}
        return self._templates.get_template(template).render(**common, **more)

    def of_the_matrix(self) -> Iterator[tuple[str, str]]:
        matrix = self._sources.matrix
        lives = {each.id: intervals_of(each, self._packages) for each in matrix.advisories}
        yield (
            "matrix/index.html",
            self.page(
                "matrix/index.html",
                "matrix.html",
                "The matrix",
                packages=list(self._packages),
                severities=("silent", "error", "warning"),
                kinds=sorted({each.kind for each in matrix.advisories}),
                data=_data({"packages": {name: list(map(str, each)) for name, each in self._packages.items()}, "advisories": lives}),
            ),
        )
        for each in matrix.advisories:
            yield f"matrix/{each.id}.html", self._advisory(each)

    def _advisory(self, advisory: Advisory) -> str:
        sources = self._sources
        script = sources.scripts.get(advisory.id)
        return self.page(
            f"matrix/{advisory.id}.html",
            "advisory.html",
            advisory.title,
            advisory=advisory,
            strips=[_strip(advisory, each.package, sources) for each in advisory.affected],
            words=_STATES,
            rows=[row for row in rows_of(advisory, sources.matrix) if row[0] not in ("kind", "severity", "related")],
            related=[found for each in advisory.related if (found := sources.matrix.advisory(each)) is not None],
            runs=list(_runs(advisory, sources.evidence)),
            source=script.read_text("utf-8") if script is not None else None,
            source_name=script.name if script is not None else None,
        )

    def of_releases(self) -> Iterator[tuple[str, str]]:
        for package, versions in self._packages.items():
            found = [(each, intervals_of(each, self._packages).get(package, ())) for each in self._sources.matrix.advisories]
            lives = [{"id": each.id, "title": each.title, "severity": each.severity, "intervals": at} for each, at in found if at]
            for name in (package, "index") if package == "transformers" else (package,):
                yield (
                    f"releases/{name}.html",
                    self.page(
                        f"releases/{name}.html",
                        "releases.html",
                        f"From one {package} to another",
                        package=package,
                        packages=list(self._packages),
                        versions=list(map(str, versions)),
                        stretches=stretches_of(package, versions, self._sources.matrix),
                        data=_data({"versions": list(map(str, versions)), "advisories": lives}),
                    ),
                )

    def of_docs(self) -> Iterator[tuple[str, str]]:
        made: Mapping[str, tuple[str, Mapping[str, Any]]] = {
            "reference-cli": ("The command line", {"help": self._sources.help}),
            "reference-api": ("The Python API", {"names": list(reference.api())}),
            "reference-json": ("JSON documents", {"documents": list(reference.documents())}),
            "reference-vocabulary": ("The vocabulary of uses", {"words": reference.vocabulary(self._sources.matrix)}),
        }
        pages = {each.name: each for each in doc_pages(self._sources.docs)}
        pages |= {name: DocPage(name, title, "") for name, (title, _) in made.items()}
        others = [name for name in pages if not any(name in names for names in _CHAPTERS.values())]
        chapters = [
            (heading, [pages[name] for name in (*names, *(others if heading == _OTHERS else ())) if name in pages])
            for heading, names in _CHAPTERS.items()
        ]
        yield "docs/index.html", self.page("docs/index.html", "docs.html", "Docs", chapters=chapters)
        for name, page in pages.items():
            path = f"docs/{name}.html"
            if name in made:
                yield path, self.page(path, f"{name}.html", page.title, **made[name][1])
            else:
                yield path, self.page(path, "doc.html", page.title, body=Markup(page.body))


def _data(value: Any) -> Markup:
    """JSON for a script element of the page: no parser takes what is in it for the element's end."""
    return Markup(json.dumps(value, separators=(",", ":")).replace("<", "\\u003c"))


def _strip(advisory: Advisory, package: str, sources: Sources) -> dict[str, Any]:
    stretches = strip_of(advisory, package, None, sources.evidence, sources.releases)
    ends = itertools.accumulate(each.count for each in stretches)
    cells = [
        {"state": each.state, "first": each.first, "last": each.last, "count": each.count, "at": end - each.count}
        for each, end in zip(stretches, ends, strict=True)
    ]
    return {"package": package, "cells": cells, "total": sum(each.count for each in stretches)}


def _runs(advisory: Advisory, evidence: Evidence) -> Iterator[tuple[str, str, str]]:
    """By package, what its reproducer said, and where it said so."""
    for package, runs in evidence.runs.get(advisory.id, {}).items():
        for said, labels in sorted(runs.seen.items()):
            yield package, said, _spans(labels, evidence.environments.get(package, {}))


def _spans(labels: Iterable[str], environments: Iterable[str]) -> str:
    """Labels in words: neighbours among all that were swept as one span."""
    swept = sorted(environments, key=lambda label: (release_of(label), label))
    places = sorted(swept.index(each) for each in labels)
    spans: list[list[int]] = []
    for at in places:
        if spans and at == spans[-1][-1] + 1:
            spans[-1].append(at)
        else:
            spans.append([at])
    return ", ".join(swept[each[0]] if len(each) == 1 else f"{swept[each[0]]} to {swept[each[-1]]}" for each in spans)
