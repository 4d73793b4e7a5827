"""Following an index that has a newer release than the matrix: a small index of our own, with a wheel that does nothing."""

from __future__ import annotations

import http.server
import json
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.version import Version

from doctor.knowledge.matrix_file import read_matrix
from doctor.reproduce import digest
from tests.reproduce.test_run import script
from tools.follow_releases import Data, main
from tools.sweep import read_evidence

PASSES = "import accelerate\nreturn not_reproduced('right on ' + accelerate.__version__)"
FAILS = "return reproduced('wrong')"
ADVISORY = """\
  - id: MT{number}
    slug: problem-{number}
    title: A problem
    kind: bug
    severity: error
    affected:
      - package: accelerate
        ranges:
          - {{introduced: null, fixed: {fixed}}}
    trigger: something
    apis: [accelerate.something]
    signature: null
    cause: unknown
    workaround: none
    references: [https://example.org/{number}]
    evidence:
      level: reported
      basis: made for a test
"""
ENVIRONMENT: dict[str, object] = {"date": "2026-01-01", "python": "3.11.0", "packages": {}, "untestable": None}


class Index(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, and says nothing of it."""

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An index that has accelerate 1.15.0, 1.16.0 and 1.17.0.dev1; only 1.16.0 can be had."""
    page = tmp_path / "simple" / "accelerate"
    page.mkdir(parents=True)
    names = [f"accelerate-{version}-py3-none-any.whl" for version in ("1.15.0", "1.16.0", "1.17.0.dev1")]
    page.joinpath("index.html").write_text("".join(f'<a href="{name}" data-requires-python="&gt;=3.8">{name}</a>' for name in names))
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    with zipfile.ZipFile(wheels / names[1], "w") as wheel:
        wheel.writestr("accelerate/__init__.py", "__version__ = '1.16.0'\n")
        wheel.writestr("accelerate-1.16.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: accelerate\nVersion: 1.16.0\n")
        wheel.writestr("accelerate-1.16.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("accelerate-1.16.0.dist-info/RECORD", "")
    monkeypatch.setenv("UV_FIND_LINKS", str(wheels))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setattr("tools.follow_releases.companions", lambda *_: ())
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *given: Index(*given, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/simple/"
    server.shutdown()
    thread.join()
    server.server_close()


def data(folder: Path, fixed: dict[int, str], bodies: dict[int, str]) -> Data:
    """A matrix of one problem a number, that was checked up to 1.15.0 and seen to fail there, and a script for each."""
    scripts = folder / "scripts"
    scripts.mkdir()
    head = 'schema_version: 1\nversion: "1"\npackages:\n  accelerate: {checked_up_to: "1.15.0"}\nadvisories:\n'
    matrix = folder / "compat.yaml"
    matrix.write_text(head + "".join(ADVISORY.format(number=f"{number:03}", fixed=end) for number, end in fixed.items()))
    runs = {}
    for number, body in bodies.items():
        path = script(scripts, number, body)
        said = "not reproduced: right" if fixed[number] != "null" else "reproduced: wrong"
        runs[f"MT{number:03}"] = {"accelerate": {"reproducer": digest(path), "seen": {said: ["1.15.0"]}}}
    evidence = folder / "runs.json"
    evidence.write_text(json.dumps({"schema_version": 1, "environments": {"accelerate": {"1.15.0": ENVIRONMENT}}, "runs": runs}))
    return Data(matrix, folder / "releases.json", evidence, scripts)


def follow(found: Data, index: str) -> int:
    return main(["accelerate", "--index", index, "--torch", "accelerate"], found)


def test_a_problem_that_is_gone_ends_and_one_that_stays_stays(tmp_path: Path, index: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = data(tmp_path, {50: "null", 51: "null"}, {50: PASSES, 51: FAILS})
    assert follow(found, index) == 0
    assert capsys.readouterr().out.splitlines() == ["accelerate: new are 1.16.0", "  MT050 on 1.16.0: it is gone; its range ends here"]
    matrix = read_matrix(found.matrix)
    assert [advisory.affected[0].ranges[0].fixed for advisory in matrix.advisories] == [Version("1.16.0"), None]
    assert matrix.packages["accelerate"].checked_up_to == Version("1.16.0")
    assert read_evidence(found.evidence).runs["MT050"]["accelerate"].seen["not reproduced: right on #"] == ("1.16.0",)
    assert list(json.loads(found.releases.read_text())["packages"]["accelerate"]) == ["1.15.0", "1.16.0"]


def test_a_second_time_nothing_is_new(tmp_path: Path, index: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = data(tmp_path, {50: "null"}, {50: FAILS})
    assert follow(found, index) == 0
    before = [file.read_bytes() for file in (found.matrix, found.releases, found.evidence)]
    capsys.readouterr()
    assert follow(found, index) == 0
    assert capsys.readouterr().out == "accelerate: nothing newer than 1.16.0\n"
    assert [file.read_bytes() for file in (found.matrix, found.releases, found.evidence)] == before


def test_one_that_came_back_and_one_that_cannot_tell_are_left_to_a_person(tmp_path: Path, index: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = data(tmp_path, {50: '"1.15.0"', 51: "null", 52: "null"}, {50: FAILS, 51: "return not_applicable('no such API')", 52: "raise OSError(1)"})
    before = found.matrix.read_text()
    assert follow(found, index) == 1
    assert capsys.readouterr().out.splitlines() == [
        "accelerate: new are 1.16.0",
        "  MT050 on 1.16.0: it is back",
        "  MT051 on 1.16.0: its reproducer does not apply any more",
        "  MT052 on 1.16.0: broken: OSError: #",
    ]
    assert found.matrix.read_text() == before.replace('checked_up_to: "1.15.0"', 'checked_up_to: "1.16.0"')


def test_a_release_that_cannot_be_had_is_not_called_checked(
    tmp_path: Path, index: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path))
    found = data(tmp_path, {50: "null"}, {50: FAILS})
    assert follow(found, index) == 1
    assert "1.16.0: cannot be installed" in capsys.readouterr().out
    assert read_matrix(found.matrix).packages["accelerate"].checked_up_to == Version("1.15.0")


def test_a_package_that_is_not_covered_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["numpy"], data(tmp_path, {50: "null"}, {50: FAILS}))
    assert "numpy: the matrix does not cover it" in capsys.readouterr().err
