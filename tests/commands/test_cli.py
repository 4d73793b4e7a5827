"""The command as a user types it, where nothing but the command line matters."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import venv
from pathlib import Path

import jsonschema
import psutil
import pytest

from doctor.knowledge.matrix_file import builtin_matrix
from doctor.reports.json import published_schemas
from tests.conftest import Doctor
from tests.knowledge.test_matrix import ADVISORY, HEAD

COMMAND = [sys.executable, "-m", "doctor"]


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with nothing in it."""
    home = tmp_path_factory.mktemp("bare") / "venv"
    venv.create(home, with_pip=False)
    return home


@pytest.fixture
def stack(bare: Path, tmp_path: Path) -> Path:
    """A virtual environment whose metadata says torch and transformers; examined with --no-live, nothing more is needed."""
    home = tmp_path / "stack"
    venv.create(home, with_pip=False)
    (site_packages,) = home.glob("lib/python3*/site-packages")
    for name, version in (("torch", "2.9.0+cpu"), ("transformers", "4.46.3"), ("accelerate", "1.0.1")):
        info = site_packages / f"{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "INSTALLER").write_text("pip\n")
    (site_packages / "pip").mkdir()
    (site_packages / "pip" / "__init__.py").touch()
    return home


def test_check_is_the_default_command(doctor: Doctor, stack: Path) -> None:
    findings = [doctor(*command, "--no-live", "--python", stack, "--format", "json").json["findings"] for command in ([], ["check"])]
    assert findings[0] == findings[1]
    assert findings[0]


def test_what_bites_only_its_users_is_a_count_and_no_failure(doctor: Doctor, stack: Path) -> None:
    ran = doctor("--no-live", "--python", stack, variables={"COLUMNS": "80"})
    assert (ran.code, ran.err) == (0, "")
    assert "[ok] Nothing is wrong with this environment." in ran.out
    assert re.search(r"^\d+ known traps lie in these releases and bite only what uses them\.", ran.out, re.MULTILINE)
    assert "doctor --all" in ran.out
    assert "doctor explain FILE" in ran.out
    assert "MT080" not in ran.out
    assert len(ran.out.splitlines()) <= 24


def test_what_concerns_the_environment_is_told_with_what_to_do(doctor: Doctor, stack: Path) -> None:
    (site_packages,) = stack.glob("lib/python3*/site-packages")
    metadata = site_packages / "accelerate-1.0.1.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text().replace("1.0.1", "0.25.0"))
    ran = doctor("--no-live", "--python", stack, variables={"COLUMNS": "80"})
    assert ran.code == 1
    for expected in ("[!!] 1 thing is wrong with this environment.", "MT114", "treats accelerate older than 0.26.0", "-m pip install accelerate=="):
        assert expected in ran.out
    assert len(ran.out.splitlines()) <= 24


def test_every_finding_stands_in_the_whole_report_once(doctor: Doctor, stack: Path) -> None:
    report = doctor("--no-live", "--python", stack, "--format", "json").json
    out = doctor("--no-live", "--python", stack, "--all").out
    shown = re.findall(r"^  (MT\d+) (?:silent|error|warning) ", out, re.MULTILINE)
    assert sorted(shown) == sorted(finding["id"] for finding in report["findings"])


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((), 0),
        (("--strict",), 1),
        (("--severity", "silent"), 0),
        (("--strict", "--severity", "silent"), 1),
        (("--strict", "--id", "MT080"), 1),
        (("--strict", "--id", "MT080", "--ignore", "MT080"), 0),
        (("--strict", "--id", "MT080", "--ignore", "to-empty-wipes-loaded-weights"), 0),
        (("--strict", "--id", "MT080", "--ignore", "MT057"), 1),
        (("--ignore", "MT999"), 2),
        (("--brief",), 2),
    ],
)
def test_exit_code(doctor: Doctor, stack: Path, arguments: tuple[str, ...], code: int) -> None:
    """The table of docs/manual.md, "Whom a finding concerns"."""
    assert doctor("--no-live", "--python", stack, *arguments).code == code


def test_only_what_is_new_since_the_baseline_counts(doctor: Doctor, stack: Path, tmp_path: Path) -> None:
    given = ("--no-live", "--python", stack)
    assert doctor(*given, "--strict", "--id", "MT080", "--write-baseline", "known.json").code == 1
    baseline = json.loads((tmp_path / "known.json").read_text())
    jsonschema.validate(baseline, json.loads(published_schemas()["baseline.schema.json"]))
    assert doctor(*given, "--strict", "--id", "MT080", "--baseline", "known.json").code == 0
    assert doctor(*given, "--strict", "--id", "MT080", "--id", "MT057", "--baseline", "known.json").code == 1
    report = doctor(*given, "--strict", "--id", "MT080", "--baseline", "known.json", "--format", "json").json
    assert [each["waived"] for each in report["findings"]] == ["baseline"]
    assert report["summary"]["waived"] == 1


@pytest.mark.skipif(sys.version_info < (3, 11), reason="the table is read by Python 3.11 and later only")
def test_the_baseline_that_a_project_names_is_there_once_it_is_written(doctor: Doctor, stack: Path, tmp_path: Path) -> None:
    given = ("--no-live", "--python", stack, "--strict", "--id", "MT080")
    (tmp_path / "pyproject.toml").write_text('[tool.meta-tensor-doctor]\nbaseline = "known.json"\n')
    assert doctor(*given).code == 2
    assert doctor(*given, "--write-baseline", "known.json").code == 1
    assert doctor(*given).code == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file or directory; --write-baseline writes one"),
        ("{", "not a baseline"),
        ("[" * 100_000, "not a baseline"),
        ('{"document": "report"}', "not a baseline"),
        (
            '{"document": "baseline", "findings": [{"id": "MT001", "package": "torch", "concerns": "nobody"}]}',
            "findings[0].concerns: expected one of",
        ),
    ],
)
def test_a_baseline_that_cannot_be_used_is_one_line(doctor: Doctor, tmp_path: Path, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / "known.json").write_text(content)
    ran = doctor("--baseline", "known.json")
    assert (ran.code, ran.out) == (2, "")
    (line,) = ran.err.splitlines()
    assert line.startswith("doctor: --baseline known.json: ")
    assert message in line


def test_the_brief_document_of_a_healthy_stack_is_short(doctor: Doctor, stack: Path) -> None:
    ran = doctor("--no-live", "--python", stack, "--format", "json", "--brief")
    jsonschema.validate(ran.json, json.loads(published_schemas()["brief.schema.json"]))
    assert ran.json["summary"]["concerns"]["exposure"] > 30
    assert ran.json["findings"] == []
    assert len(ran.out.encode()) < 1500


def test_one_advisory_is_shown_whole(doctor: Doctor, stack: Path) -> None:
    out = doctor("--no-live", "--python", stack, "--id", "to-empty-wipes-loaded-weights").out
    for label in ("when:", "remedy:", "see:", "https://"):
        assert label in out


def test_findings_are_narrowed_by_package_and_severity(doctor: Doctor, stack: Path) -> None:
    findings = doctor("--no-live", "--python", stack, "--package", "Accelerate", "--severity", "silent", "--format", "json").json["findings"]
    assert findings
    assert {(each["package"], each["severity"]) for each in findings} == {("accelerate", "silent")}


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_no_line_but_paths_and_the_command_is_wider_than_the_terminal(doctor: Doctor, stack: Path, width: int) -> None:
    out = doctor("--no-live", "--verbose", "--python", stack, variables={"COLUMNS": str(width)}).out
    allowed = ("Examined ", "  ~/", str(stack), "http", ": doctor ", ":   doctor ")
    assert [line for line in out.splitlines() if len(line) > width and not any(part in line for part in allowed)] == []


@pytest.mark.parametrize("variables", [{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_what_does_not_go_to_a_terminal_is_plain(doctor: Doctor, stack: Path, variables: dict[str, str]) -> None:
    assert "\x1b" not in doctor("--no-live", "--python", stack, variables=variables).out


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_no_encoding_of_the_terminal_is_a_reason_to_fail(doctor: Doctor, stack: Path, encoding: str) -> None:
    assert doctor("--no-live", "--all", "--python", stack, variables={"PYTHONIOENCODING": encoding}).code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--python", "/nowhere/python"], "/nowhere/python does not exist"),
        (["--python", "."], "a folder without an interpreter"),
        (["--id", "MT999"], "--id MT999: no such advisory"),
        (["--package", "left-pad"], "--package left-pad: the matrix speaks of"),
        (["--matrix", "none.yaml"], "none.yaml: cannot be read: No such file or directory"),
        (["--output", "no/such/folder/x"], "--output no/such/folder/x: cannot be written: No such file or directory"),
        (["--output", "."], "--output .: is a folder"),
        (["matrix", "show", "MT999"], "MT999: no such advisory"),
        (["matrix", "validate", "none.yaml"], "none.yaml: cannot be read"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line_with_exit_code_2(doctor: Doctor, arguments: list[str], message: str) -> None:
    ran = doctor(*arguments)
    assert ran.code == 2
    assert ran.out == ""
    (line,) = ran.err.splitlines()
    assert line.startswith("doctor: ")
    assert message in line


@pytest.mark.parametrize("arguments", [["--colour"], ["--timeout", "soon"], ["--severity", "bad"], ["frobnicate"], ["matrix"]])
def test_a_command_line_that_makes_no_sense_exits_2(doctor: Doctor, arguments: list[str]) -> None:
    assert doctor(*arguments).code == 2


def test_what_is_not_python_is_named(doctor: Doctor, tmp_path: Path) -> None:
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\necho no\nexit 7\n")
    fake.chmod(0o755)
    ran = doctor("--python", fake)
    assert ran.code == 2
    assert "not a working Python interpreter (ended with exit status 7)" in ran.err


def test_an_empty_environment_is_not_called_healthy(doctor: Doctor, bare: Path) -> None:
    ran = doctor("--python", bare)
    assert ran.code == 2
    assert "is this the environment you mean?" in " ".join(ran.out.split())


@pytest.mark.parametrize("form", ["terminal", "json"])
def test_what_is_shown_here_names_real_paths_and_the_command_runs_where_it_is_pasted(doctor: Doctor, stack: Path, tmp_path: Path, form: str) -> None:
    strange = tmp_path / "a b's $HOME \x1b[31m"
    stack.rename(strange)
    variables = {"HOME": str(tmp_path), "LOGNAME": "stack", "USER": "stack"}
    ran = doctor("--no-live", "--strict", "--python", strange, "--format", form, variables=variables)
    command = ran.json["upgrade"]["command"] if form == "json" else next(each.strip() for each in ran.out.splitlines() if " -m pip install " in each)
    assert "\x1b" not in ran.out
    if form == "json":
        assert ran.json["environment"]["python"]["executable"] == f"{tmp_path}/a b's $HOME /bin/python"
    shown = command.partition(" -m pip")[0]
    done = subprocess.run(["bash", "-c", f"{shown} -c 'import sys; print(sys.prefix)'"], capture_output=True, text=True, check=True)
    assert done.stdout == f"{strange}\n"


@pytest.mark.parametrize("form", ["terminal", "json"])
def test_with_redact_it_names_neither_the_home_folder_nor_the_user(doctor: Doctor, stack: Path, tmp_path: Path, form: str) -> None:
    variables = {"HOME": str(tmp_path), "LOGNAME": "annabel", "USER": "annabel"}
    ran = doctor("--redact", "--strict", "--no-live", "--python", stack, "--format", form, variables=variables)
    assert str(tmp_path) not in ran.out
    assert "annabel" not in ran.out
    assert "~/stack/bin/python" in ran.out
    assert "\n  pip install " in ran.out if form == "terminal" else ran.json["upgrade"]["command"].startswith("pip install ")


def test_a_secret_is_shown_nowhere(doctor: Doctor, stack: Path, tmp_path: Path) -> None:
    (tmp_path / "hf_abcdefghijklmnop1234").mkdir()
    ran = doctor("--no-live", "--python", stack, "--format", "json", cwd=tmp_path / "hf_abcdefghijklmnop1234")
    assert ran.json["environment"]["disk"]["path"] == f"{tmp_path}/<token>"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_path_that_is_not_utf_8_is_no_reason_to_fail(doctor: Doctor, stack: Path, tmp_path: Path) -> None:
    strange = os.fsdecode(os.fsencode(tmp_path) + b"/v\xe9nv")
    stack.rename(strange)
    assert doctor("--no-live", "--python", strange, "--format", "json", "--output", tmp_path / "report.json").code == 0
    assert "v\N{REPLACEMENT CHARACTER}nv" in json.loads((tmp_path / "report.json").read_text("utf-8"))["environment"]["python"]["executable"]


def test_a_closed_stdout_is_one_line_and_exit_code_2(stack: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", f'exec "{sys.executable}" -m doctor --no-live --python "{stack}" >&-'], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == "doctor: standard output is closed: name a file with --output FILE\n"


def test_a_reader_that_goes_away_is_one_line_and_exit_code_2(stack: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([*COMMAND, "--no-live", "--python", stack, "--verbose"], stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert done.returncode == 2
    assert done.stderr == "doctor: the output cannot be written: nobody reads it any more\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_one_line_and_exit_code_2(stack: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run([*COMMAND, "--no-live", "--python", stack], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "doctor: the output cannot be written: No space left on device\n"


def test_a_file_that_cannot_be_finished_is_left_as_it_was(doctor: Doctor, tmp_path: Path) -> None:
    kept = tmp_path / "report.json"
    kept.write_text("earlier")
    ran = doctor("--python", "/nowhere/python", "--output", kept)
    assert ran.code == 2
    assert kept.read_text() == "earlier"
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        (signal.SIGINT, 130, "doctor: interrupted\n"),
        (signal.SIGTERM, 143, ""),
        (signal.SIGHUP, 129, ""),
        pytest.param(signal.SIGKILL, -9, "", marks=pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children")),
    ],
)
def test_a_signal_ends_it_and_leaves_nothing_behind(stack: Path, tmp_path: Path, number: signal.Signals, code: int, said: str) -> None:
    (site_packages,) = stack.glob("lib/python3*/site-packages")
    (site_packages / "torch").mkdir()
    pid_file = tmp_path / "pid"
    (site_packages / "torch" / "__init__.py").write_text(f"import os, time\nopen({str(pid_file)!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)\n")
    output = tmp_path / "report"
    process = subprocess.Popen([*COMMAND, "--python", stack, "--output", output], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 20
    while not (pid_file.exists() and pid_file.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (code, said)
    assert not output.exists()
    assert not list(tmp_path.glob(".report*"))
    pid = int(pid_file.read_text())
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_ctrl_c_while_a_dataclass_is_made_keeps_the_exit_code(tmp_path: Path) -> None:
    """CPython kills a `-m` process with SIGINT at its end when a plain KeyboardInterrupt has passed through an `exec` of a string."""
    (tmp_path / "interrupted.py").write_text(
        "import sys\nfrom doctor.commands import output\noutput.end_children_when_terminated()\n"
        "try:\n    exec('import os, signal; os.kill(os.getpid(), signal.SIGINT)')\n"
        "except KeyboardInterrupt:\n    sys.exit(130)\n"
    )
    assert subprocess.run([sys.executable, "-m", "interrupted"], cwd=tmp_path, check=False).returncode == 130


@pytest.mark.parametrize("arguments", [["--help"], ["check", "--help"], ["confirm", "--help"], ["matrix", "--help"]])
def test_help_fits_a_terminal(doctor: Doctor, arguments: list[str]) -> None:
    assert max(map(len, doctor(*arguments, variables={"COLUMNS": "80"}).out.splitlines())) <= 80


def test_help_lists_commands_and_exit_codes(doctor: Doctor) -> None:
    out = doctor("--help").out
    for expected in ("check", "matrix", "exit codes:", "could not do what was asked"):
        assert expected in out


def test_the_version_is_the_distributions(doctor: Doctor) -> None:
    import doctor as package

    assert doctor("--version").out == f"meta-tensor-doctor {package.__version__}, matrix {builtin_matrix().version} (built in)\n"


def test_a_doctor_on_path_that_is_anothers_is_noticed(doctor: Doctor, stack: Path, tmp_path: Path) -> None:
    script = tmp_path / "bin" / "doctor"
    script.parent.mkdir()
    script.write_text("#!/usr/bin/python3\nimport sys\nfrom env_doctor.cli import main\nsys.exit(main())\n")
    script.chmod(0o755)
    ran = doctor("--no-live", "--python", stack, variables={"PATH": f"{script.parent}{os.pathsep}{os.environ['PATH']}"})
    assert "belongs to another program (env_doctor.cli)" in ran.err
    assert ran.code == 0


class TestMatrix:
    """doctor matrix list | show | advice | validate."""

    def test_list_has_every_advisory(self, doctor: Doctor) -> None:
        listing = doctor("matrix", "list", "--format", "json").json
        jsonschema.validate(listing, json.loads(published_schemas()["listing.schema.json"]))
        out = doctor("matrix", "list").out
        assert all(f"{each['id']}  " in out for each in listing["matrix"]["advisories"])
        assert len(listing["matrix"]["advisories"]) >= 30

    def test_show_has_one_by_id_or_slug(self, doctor: Doctor) -> None:
        by_id, by_slug = doctor("matrix", "show", "mt080"), doctor("matrix", "show", "to-empty-wipes-loaded-weights")
        assert by_id.out == by_slug.out
        for label in ("affected", "set off by", "cause", "workaround", "evidence", "see"):
            assert label in by_id.out
        shown = doctor("matrix", "show", "MT080", "--format", "json").json
        jsonschema.validate(shown, json.loads(published_schemas()["listing.schema.json"]))
        assert [each["id"] for each in shown["matrix"]["advisories"]] == ["MT080"]

    def test_advice_is_found_by_its_words(self, doctor: Doctor) -> None:
        ran = doctor("matrix", "advice", "STRICT", "skipped")
        assert ran.code == 0
        assert ran.out.startswith("strict-false  Load with strict=False when names do not match.")
        assert "instead  Make the names match" in ran.out
        listing = doctor("matrix", "advice", "--format", "json").json
        jsonschema.validate(listing, json.loads(published_schemas()["advice.schema.json"]))
        assert len(listing["advice"]) >= 12
        nothing = doctor("matrix", "advice", "strict", "horses")
        assert (nothing.code, nothing.out) == (1, "No advice that is known to be wrong says strict and horses.\n")

    def test_validate_takes_a_good_file(self, doctor: Doctor, tmp_path: Path) -> None:
        (tmp_path / "own.yaml").write_text(HEAD + ADVISORY)
        ran = doctor("matrix", "validate", "own.yaml")
        assert (ran.code, ran.out) == (0, "own.yaml: a valid matrix of 1 advisories\n")

    def test_validate_lists_every_fault_of_a_bad_one(self, doctor: Doctor, tmp_path: Path) -> None:
        (tmp_path / "own.yaml").write_text(HEAD + ADVISORY.replace("kind: bug", "kind: bog").replace("cause: unknown", "cause: [1]"))
        ran = doctor("matrix", "validate", "own.yaml")
        assert ran.code == 2
        assert [line.split(": ")[1:3] for line in ran.err.splitlines()] == [
            ["own.yaml:10", "advisories[0].kind"],
            ["own.yaml:17", "advisories[0].cause"],
        ]
        validation = doctor("matrix", "validate", "own.yaml", "--format", "json")
        jsonschema.validate(validation.json, json.loads(published_schemas()["validation.schema.json"]))
        assert validation.code == validation.json["exit_code"] == 2
        assert [fault["line"] for fault in validation.json["faults"]] == [10, 17]

    def test_an_own_matrix_is_used_instead_of_the_built_in_one_or_beside_it(self, doctor: Doctor, stack: Path, tmp_path: Path) -> None:
        own = ADVISORY.replace('{introduced: "4.50.0.dev0", fixed: "4.50.0"}', "{introduced: null, fixed: null}")
        (tmp_path / "own.yaml").write_text(HEAD + own)
        alone = doctor("--no-live", "--python", stack, "--matrix", "own.yaml", "--format", "json").json
        assert [each["id"] for each in alone["findings"]] == ["MT900"]
        both = doctor("--no-live", "--python", stack, "--matrix", "builtin", "--matrix", "own.yaml", "--format", "json").json
        assert {"MT900", "MT080"} <= {each["id"] for each in both["findings"]}
        assert both["matrix"]["advisories"] > alone["matrix"]["advisories"]
