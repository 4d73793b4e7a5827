"""The page that explains a failure in the browser: the same Python, the same answers, and nothing leaves it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.reports.golden_explanations import TEXTS
from tests.site.conftest import PACKAGES
from tests.test_action import ROOT

CORPUS = {
    **TEXTS,
    **{each.stem: each.read_text("utf-8") for each in sorted((ROOT / "tests" / "reports" / "planted_texts" / "logs").iterdir())},
    **{each.stem: each.read_text("utf-8") for each in sorted((ROOT / "tests" / "hostile" / "texts").glob("*.txt"))},
    "hostile-markup": f"</code><script>alert(1)</script><img src=x onerror=alert(1)>\n{TEXTS['offloaded'].replace('no data!', '<b>no data!</b>')}",
}
READY_SECONDS = 5.0
pytestmark = pytest.mark.skipif(not (PACKAGES / "pyodide").is_dir(), reason="needs Pyodide: npm install --no-save pyodide")


@pytest.fixture(scope="module")
def explaining(chromium: Any, address: str) -> Iterator[Any]:
    """The page, with its Python loaded and the network gone."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(address + "explain.html")
    _wait_until_ready(page)
    context.set_offline(True)
    page.asked = []
    page.on("request", lambda request: page.asked.append(request.url))
    yield page
    assert page.asked == []
    context.close()


def _wait_until_ready(page: Any) -> None:
    page.locator("#explain:enabled").or_(page.locator("#state", has_text="could not")).first.wait_for(timeout=60_000)
    assert page.inner_text("#state") == "Ready."


def _explain(page: Any, text: str) -> Any:
    page.fill("#text", text)
    return _answer(page, lambda: page.click("#explain"))


def _answer(page: Any, ask: Callable[[], None]) -> Any:
    """What is shown as JSON once `ask` has asked."""
    page.evaluate("document.getElementById('json').textContent = ''")
    ask()
    page.locator("#json:not(:empty)").wait_for(state="attached", timeout=60_000)
    return json.loads(page.evaluate("document.getElementById('json').textContent"))


@pytest.fixture(scope="module")
def by_the_command(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the command line says of the corpus, by name."""
    folder = tmp_path_factory.mktemp("corpus")
    for name, text in CORPUS.items():
        (folder / name).write_text(text, encoding="utf-8", newline="")
    command = [sys.executable, "-m", "doctor", "explain", "--format", "jsonl", *CORPUS]
    variables = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False, timeout=300)
    return {line["file"]: line["explanation"] for line in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("name", CORPUS)
def test_it_says_what_the_command_line_says(explaining: Any, by_the_command: dict[str, Any], name: str) -> None:
    """But for what names the file, which a text that is pasted has not: the next command, and where the environment was read."""
    here, there = _explain(explaining, CORPUS[name]), by_the_command[name]
    for each in (here, there):
        each["next"] = each["environment"]["read_from"] = each["environment"]["python"]["chosen_because"] = None
    assert here == there
    shown = explaining.inner_text("#answer")
    for failure in there["failures"]:
        for cause in failure["causes"]:
            assert " ".join(cause["title"].split()) in shown
    assert explaining.locator("#answer script, #answer img, #answer b").count() == 0


def test_a_question_is_answered_by_a_click(explaining: Any) -> None:
    before = _explain(explaining, TEXTS["bare"])
    button = explaining.locator("#answer button").first
    fact, value = button.get_attribute("data-fact"), button.get_attribute("data-value")
    after = _answer(explaining, button.click)
    assert [(each["name"], each["value"]) for each in after["given"]] == [(fact, value)]
    assert after["failures"][0]["causes"] != before["failures"][0]["causes"]


def test_nothing_can_be_fetched_once_it_is_loaded(explaining: Any) -> None:
    """Neither by what Python reaches, which is cut off, nor from the page, whose policy lets it reach its own server alone."""
    refused = explaining.evaluate("fetch('https://example.org/').then(() => 'answered', (error) => error.name)")
    assert refused == "TypeError"
    explaining.asked.clear()


def test_while_python_loads_a_bar_moves_and_the_page_is_of_use(page: Any, address: str) -> None:
    held: list[Any] = []

    def hold(route: Any) -> None:
        held.append(route)

    page.route("**/pyodide.asm.wasm", hold)
    page.goto(address + "explain.html")
    assert page.locator("#loading").is_visible()
    assert page.locator("#explain").is_disabled()
    page.fill("#text", "typed meanwhile")
    page.locator("#loading[value='1']").wait_for()
    assert page.inner_text("#state") == "Python is being loaded."
    for each in held:
        each.continue_()
    _wait_until_ready(page)
    assert page.input_value("#text") == "typed meanwhile"


def _others_share() -> float:
    """How many times as long as alone a process takes here now, because others want the processors too."""
    begun, spent = time.monotonic(), time.process_time()
    while time.process_time() - spent < 0.2:
        pass
    return (time.monotonic() - begun) / 0.2


def test_it_is_ready_soon_on_a_warm_cache(page: Any, address: str) -> None:
    """One of three tries, so long as a machine takes that has nothing else to do."""
    page.goto(address + "explain.html")
    _wait_until_ready(page)
    for _ in range(3):
        share = _others_share()
        begun = time.monotonic()
        page.reload()
        _wait_until_ready(page)
        seconds = (time.monotonic() - begun) / max(share, _others_share(), 1.0)
        if seconds < READY_SECONDS:
            return
    pytest.fail(f"ready after {seconds:.1f} s")


@pytest.mark.parametrize("width", [360, 1280])
def test_an_answer_can_be_read_by_anybody(explaining: Any, axe: str, width: int) -> None:
    explaining.set_viewport_size({"width": width, "height": 800})
    explaining.focus("#text")
    explaining.fill("#text", "")
    explaining.keyboard.type(TEXTS["bare"])
    explaining.keyboard.press("Tab")

    def press() -> None:
        explaining.keyboard.press("Enter")

    assert _answer(explaining, press)["failures"]
    assert explaining.evaluate("document.activeElement.id") == "answer"
    explaining.evaluate("document.getElementById('whole').open = true")
    assert explaining.evaluate("document.documentElement.scrollWidth") <= width
    explaining.evaluate(axe)
    for scheme in ("light", "dark"):
        explaining.emulate_media(color_scheme=scheme)
        found = explaining.evaluate("axe.run({ resultTypes: ['violations'] }).then(({ violations }) => violations)")
        assert [(each["id"], [node["html"][:200] for node in each["nodes"][:3]]) for each in found] == []


def test_from_a_disk_it_says_what_it_needs(page: Any, site: Path) -> None:
    page.goto(f"{site.as_uri()}/explain.html")
    page.locator("#state", has_text="http.server").wait_for()
