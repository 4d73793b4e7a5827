"""The site, built once as a user builds it, served under a sub-path, and a real browser to look at it."""

from __future__ import annotations

import functools
import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.test_action import ROOT

PACKAGES = ROOT / "node_modules"


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With Python for the browser where node_modules has it."""
    folder = tmp_path_factory.mktemp("site") / "under" / "public"
    done = subprocess.run([sys.executable, "-m", "doctor", "site", "-o", folder], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


class _Quiet(http.server.SimpleHTTPRequestHandler):
    """As `python -m http.server` serves it."""

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is said of each request."""


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    """Of the site, under a path of its own."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(site.parent.parent))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/under/public/"
        server.shutdown()


@pytest.fixture
def page(chromium: Any, address: str) -> Iterator[Any]:
    """A page of which nothing may be said on the console, and that may ask nothing of any other server."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    opened = context.new_page()
    said: list[str] = []
    opened.on("console", lambda message: said.append(f"{message.text} {message.location}"))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("request", lambda request: None if request.url.startswith((address, "data:", "blob:", "file:")) else said.append(request.url))
    yield opened
    context.close()
    assert said == []


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core."""
    script = PACKAGES / "axe-core" / "axe.min.js"
    if not script.is_file():
        pytest.skip("needs axe-core: npm install --no-save axe-core")
    return script.read_text("utf-8")


@pytest.fixture(scope="session")
def matrix(site: Path) -> Any:
    """The matrix as the site gives it to other programs."""
    return json.loads((site / "api" / "matrix.json").read_text("utf-8"))["matrix"]
