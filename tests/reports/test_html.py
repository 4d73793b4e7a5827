"""The HTML attachment: its structure by a parser, and how it looks in a real browser where there is one."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from doctor.knowledge.evidence import known_evidence
from doctor.knowledge.matrix_file import builtin_matrix
from doctor.knowledge.releases import Release, known_releases
from doctor.reports.html import FACTS_ID, html
from doctor.reports.strip import Stretch, strip_of
from tests.environments import matrix
from tests.reports.golden import golden_attachment

STRIP = (
    Stretch("not affected", Version("4.30"), Version("4.39"), 10),
    Stretch("reproduced", Version("4.40"), Version("4.46.3"), 8, here=True),
    Stretch("reproduced", Version("4.47"), Version("4.50"), 4),
    Stretch("not reproduced", Version("4.51"), Version("5.0"), 20),
)
PAGE = html(golden_attachment(), {"MT901": STRIP})
_VOID = {"meta", "br", "hr", "link", "img", "input"}


class _Parsed(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def test_it_is_well_formed_and_whole() -> None:
    page = _Parsed(PAGE)
    assert page.open == []
    headings = ["What the traceback comes from", "What is wrong", "What to do", "What happened", "What is here", "Known traps in these releases"]
    headings += ["What could not be determined", "What was masked"]
    assert [page.text.index(heading) for heading in headings] == sorted(page.text.index(heading) for heading in headings)
    for expected in ("transformers", "4.46.3", "NVIDIA A100-SXM4-80GB", "confirmed", "KeyError: 'cpu'", "Cannot copy out of meta tensor"):
        assert expected in page.text
    assert len(page.all("article")) == 6


def test_it_fetches_nothing_and_runs_nothing() -> None:
    page = _Parsed(PAGE)
    assert [tag for tag, _ in page.elements if tag in ("img", "link", "iframe", "object", "embed", "form", "base")] == []
    assert [each.get("type") for each in page.all("script")] == ["application/json"]
    assert [each.get("id") for each in page.all("script")] == [FACTS_ID]
    assert [name for _, attributes in page.elements for name in attributes if name == "src" or name.startswith("on")] == []
    assert not re.search(r"url\(|@import", PAGE)
    policies = [each.get("content") for each in page.all("meta") if each.get("http-equiv") == "Content-Security-Policy"]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_the_strip_says_where_you_are() -> None:
    page = _Parsed(PAGE)
    strip = [each["aria-label"] for each in page.all("li") if "aria-label" in each]
    assert strip == [
        "4.30 to 4.39: not affected",
        "4.40 to 4.46.3: reproduced, you are here",
        "4.47 to 4.50: reproduced",
        "4.51 to 5.0: not reproduced",
    ]
    assert "you are here: 4.46.3" in page.text
    assert 'style="--at: 42.9%"' in PAGE


def test_what_is_hostile_stays_text() -> None:
    attack = '</pre></script><script>alert(1)</script><img src=x onerror="alert(1)">'
    page = _Parsed(html(golden_attachment(traceback=f"{attack}\n{attack}"), {}))
    assert page.open == []
    assert len(page.all("script")) == 1
    assert page.all("img") == []
    assert attack in page.text


def test_a_strip_is_what_was_run_and_else_what_the_ranges_say() -> None:
    (advisory,) = matrix("MT901 bug error lib [1.0,2.0)").advisories
    releases = {"lib": tuple(Release(Version(each), "") for each in ("0.9", "1.0", "1.1", "1.2", "2.0"))}
    strip = strip_of(advisory, "lib", "1.1+cu124", known_evidence(), releases)
    assert [(each.state, str(each.first), str(each.last), each.count, each.here) for each in strip] == [
        ("not affected", "0.9", "0.9", 1, False),
        ("affected", "1.0", "1.1", 2, True),
        ("affected", "1.2", "1.2", 1, False),
        ("not affected", "2.0", "2.0", 1, False),
    ]


def test_every_advisory_has_a_strip_of_all_releases() -> None:
    for advisory in builtin_matrix().advisories:
        for affected in advisory.affected:
            strip = strip_of(advisory, affected.package, None, known_evidence(), known_releases())
            assert sum(each.count for each in strip) >= len(known_releases()[affected.package])
            assert not any(each.here for each in strip)


# In a browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_it_can_be_read_in_a_browser(chromium: Any, tmp_path: Path, width: int, scheme: str) -> None:
    """No sideways scrolling, contrast enough everywhere (WCAG 2.1: 4.5 to 1), nothing asked of the network, nothing on the console."""
    file = tmp_path / "report.html"
    file.write_text(PAGE, encoding="utf-8")
    context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.goto(file.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(_LOWEST_CONTRAST) >= 4.5
    mark, bar = page.locator(".here span").bounding_box(), page.locator(".strip").bounding_box()
    assert bar["x"] <= mark["x"]
    assert mark["x"] + mark["width"] <= bar["x"] + bar["width"]
    assert bar["height"] >= 10
    assert [url for url in asked if not url.startswith("file:")] == []
    assert said == []
    context.close()


_LOWEST_CONTRAST = """() => {
  const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = (rgb) => rgb.slice(0, 3).map(each => each / 255)
    .map(each => each <= 0.03928 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
    .reduce((sum, each, index) => sum + each * [0.2126, 0.7152, 0.0722][index], 0);
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = parse(getComputedStyle(each).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  let lowest = 21;
  for (const element of document.querySelectorAll('main *')) {
    if (![...element.childNodes].some(node => node.nodeType === 3 && node.data.trim())) continue;
    const [one, other] = [luminance(parse(getComputedStyle(element).color)), luminance(behind(element))].sort((a, b) => b - a);
    lowest = Math.min(lowest, (one + 0.05) / (other + 0.05));
  }
  return lowest;
}"""
