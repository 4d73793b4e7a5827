"""The site in a real browser: readable by anybody, on a phone and at a desk, light and dark, with the keyboard alone, from a server or a disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from doctor.knowledge.matrix_file import builtin_matrix

PAGES = (
    "index.html", "explain.html", "matrix/index.html", "matrix/MT002.html", "releases/transformers.html", "docs/index.html",
    "docs/manual.html", "docs/causes.html", "docs/reference-json.html", "docs/reference-cli.html",
)  # fmt: skip
_SHIFTS = """
window.shifted = 0;
new PerformanceObserver((list) => { for (const each of list.getEntries()) window.shifted += each.value; })
  .observe({ type: "layout-shift", buffered: true });
"""


@pytest.mark.parametrize("path", PAGES)
def test_a_page_can_be_read_by_anybody(page: Any, address: str, axe: str, path: str) -> None:
    page.add_init_script(_SHIFTS)
    for width, schemes in ((360, ("light", "dark")), (1280, ("light",))):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(address + path, wait_until="load")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("new Promise(done => setTimeout(() => done(window.shifted), 100))") == 0
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        page.evaluate(axe)
        for scheme in schemes:
            page.emulate_media(color_scheme=scheme)
            found = page.evaluate("axe.run({ resultTypes: ['violations'] }).then(({ violations }) => violations)")
            told = [(each["id"], each["help"], [node["html"][:200] for node in each["nodes"][:3]]) for each in found]
            assert told == [], (width, scheme)


def _shown(page: Any) -> set[str]:
    return set(page.eval_on_selector_all("#advisories > li:not([hidden])", "all => all.map(each => each.dataset.id)"))


def _living(package: str, version: str) -> set[str]:
    return {
        each.id
        for each in builtin_matrix().advisories
        for one in each.affected
        if one.package == package and any(Version(version) in at for at in one.ranges)
    }


@pytest.mark.parametrize("served", [True, False], ids=["from a server", "from a disk"])
def test_the_matrix_is_filtered(page: Any, address: str, site: Path, served: bool) -> None:
    every = builtin_matrix().advisories
    page.goto((address if served else f"{site.as_uri()}/") + "matrix/index.html")
    assert len(_shown(page)) == len(every)
    page.select_option("#package", "transformers")
    page.fill("#version", "4.51.3")
    assert _shown(page) == _living("transformers", "4.51.3")
    page.select_option("#severity", "silent")
    assert _shown(page) == {each.id for each in every if each.severity == "silent"} & _living("transformers", "4.51.3")
    assert page.inner_text("#count").startswith(f"{len(_shown(page))} of {len(every)}")
    page.fill("#version", "4.51.99")
    assert page.inner_text("#count") == "4.51.99 is no release of transformers that is known here"
    page.click("button[type=reset]")
    page.fill("#words", "dispatch_model")
    assert {each.id for each in every if any("dispatch_model" in api for api in each.apis)} <= _shown(page) < {each.id for each in every}
    page.reload()
    assert page.input_value("#words") == "dispatch_model"
    assert len(_shown(page)) < len(every)


@pytest.mark.parametrize("served", [True, False], ids=["from a server", "from a disk"])
def test_two_releases_are_compared(page: Any, address: str, site: Path, served: bool) -> None:
    page.goto((address if served else f"{site.as_uri()}/") + "releases/transformers.html?from=4.46.3&to=5.0.0")
    before, after = _living("transformers", "4.46.3"), _living("transformers", "5.0.0")
    said = page.inner_text("#answer").replace("\n\n", "\n").split("\n")
    assert said[0] == "From 4.46.3 to 5.0.0"
    for heading, ids in (("Gone", before - after), ("New", after - before), ("Stays", before & after)):
        assert f"{heading}: {len(ids)}" in said
    links = set(page.eval_on_selector_all("#answer a", "all => all.map(each => each.getAttribute('href'))"))
    assert links == {f"../matrix/{each}.html" for each in before | after}
    page.select_option("#to", "4.46.3")
    assert "Gone: 0" in page.inner_text("#answer")


def test_the_keyboard_is_enough(page: Any, address: str) -> None:
    page.goto(address + "matrix/index.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "words"
    page.keyboard.type("to_empty")
    assert 0 < len(_shown(page)) < len(builtin_matrix().advisories)
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('#advisories') !== null"):
            break
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.wait_for_url("**/matrix/MT*.html")


def test_without_a_script_the_matrix_is_whole(chromium: Any, address: str) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address + "matrix/index.html")
    assert page.locator("#advisories > li").count() == len(builtin_matrix().advisories)
    assert page.locator("fieldset[disabled]").count() == 1
    assert page.locator("noscript p").is_visible()
    page.goto(address + "releases/transformers.html")
    assert page.locator("tbody tr").count() > 10
    context.close()
