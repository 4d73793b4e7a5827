"""`doctor report` and `doctor compare` as a user types them, and the way back through `doctor check --from`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from doctor.diagnosis.diagnosis import diagnose
from doctor.facts.environment import Environment
from doctor.facts.observation import Observation
from doctor.reports.attachment import attachment_of
from doctor.reports.document import report_on
from doctor.reports.html import html
from doctor.reports.json import as_json, published_schemas
from doctor.reports.markdown import TEMPLATES, markdown
from doctor.reports.redact import Redactor
from tests.conftest import Doctor
from tests.patients_support import all_patients, bare_environment, site_packages
from tests.reports.golden import golden_attachment, golden_environment, golden_matrix
from tests.reports.planted import planted

FORMATS = ("markdown", "json", "html")
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")


@dataclass(frozen=True)
class Stack:
    """A healthy patient with old releases of transformers and accelerate."""

    home: Path

    @property
    def packages(self) -> Path:
        return site_packages(self.home)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bare_environment(tmp_path_factory.mktemp("base") / "venv")


@pytest.fixture
def stack(base: Path, tmp_path: Path) -> Stack:
    home = tmp_path / "stack"
    shutil.copytree(base, home, symlinks=True)
    for name, version in (("torch", "2.9.0+cpu"), ("transformers", "4.46.3"), ("accelerate", "1.0.1")):
        info = site_packages(home) / f"{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "INSTALLER").write_text("pip\n")
    return Stack(home)


@pytest.fixture
def report(doctor: Doctor, stack: Stack) -> Any:
    """Run `doctor report` on the stack without starting it."""
    return lambda *arguments, **options: doctor("report", "--no-live", "--python", stack.home, *arguments, **options)


# Writing


@pytest.mark.parametrize("form", FORMATS)
def test_it_is_written_in_every_format(report: Any, form: str) -> None:
    ran = report("--format", form)
    assert (ran.code, ran.err) == (0, "")
    for expected in ("4.46.3", "MT080", "1.0.1"):
        assert expected in ran.out
    if form == "json":
        jsonschema.validate(ran.json, json.loads(published_schemas()["report.schema.json"]))


@pytest.mark.parametrize("project", sorted(set(TEMPLATES) - {"general"}))
def test_every_form_can_be_asked_for(report: Any, project: str) -> None:
    assert report("--for", project).code == 0


def test_a_file_that_is_there_is_left_alone(report: Any, tmp_path: Path) -> None:
    file = tmp_path / "report.md"
    file.write_text("earlier")
    ran = report("-o", file)
    assert (ran.code, ran.out, ran.err) == (2, "", f"doctor: --output {file}: is there already; --force replaces it\n")
    assert file.read_text() == "earlier"
    assert report("-o", file, "--force").code == 0
    assert "transformers" in file.read_text("utf-8")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["report.md", "stack"]


@POSIX
@pytest.mark.parametrize("form", FORMATS)
def test_a_file_that_cannot_be_finished_is_one_line_and_not_there(stack: Stack, tmp_path: Path, form: str) -> None:
    file = tmp_path / "report"
    command = f'ulimit -f 1; exec "{sys.executable}" -m doctor report --no-live --python "{stack.home}" --format {form} -o "{file}"'
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"doctor: --output {file}: cannot be written: File too large\n"
    assert [each.name for each in tmp_path.iterdir()] == ["stack"]


@POSIX
@pytest.mark.parametrize(("into", "why"), [("> /dev/full", "No space left on device"), ("| true", "nobody reads it any more")])
def test_a_full_disk_or_closed_pipe_is_one_line(stack: Stack, into: str, why: str) -> None:
    if "full" in into and not os.path.exists("/dev/full"):
        pytest.skip("needs /dev/full")
    command = f'{{ "{sys.executable}" -m doctor report --no-live --python "{stack.home}"; echo $? >&2; }} {into}'
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == f"doctor: the output cannot be written: {why}\n2\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--traceback", "none.txt"], "--traceback none.txt: cannot be read: No such file or directory"),
        (["--traceback", "."], "--traceback .: is a folder"),
        (["--confirm"], "--confirm: runs the reproducers"),
        (["--output", "no/such/x"], "--output no/such/x: cannot be written"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(report: Any, arguments: list[str], message: str) -> None:
    ran = report(*arguments)
    assert (ran.code, ran.out) == (2, "")
    (line,) = ran.err.splitlines()
    assert message in line


def test_the_traceback_is_there_masked_and_fenced(report: Any, tmp_path: Path) -> None:
    (tmp_path / "failure.txt").write_bytes(b"```\r\n\x1b[31mFile /home/quentin9/x.py\x1b[0m, token='hf_abcdefghijklmnop1234'\r\nValueError: no")
    out = report("--traceback", "failure.txt").out
    assert "````python-traceback\n```\nFile /home/<user-2>/x.py, token='<token>'\nValueError: no\n````" in out
    assert "It fails with `ValueError: no`" in out


def test_the_traceback_may_come_from_a_pipe(stack: Stack) -> None:
    command = [sys.executable, "-m", "doctor", "report", "--no-live", "--python", str(stack.home), "--traceback", "-", "--format", "json"]
    done = subprocess.run(command, input="KeyError: 'x'\n" * 100_000, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["traceback"].startswith("[the first ")
    assert len(done.stdout) < 200_000


def test_what_was_masked_is_listed_here_and_nowhere_else(report: Any, tmp_path: Path) -> None:
    (tmp_path / "failure.txt").write_text("login(token='hf_abcdefghijklmnop1234')")
    variables = {"MY_SECRET": "open-sesame-please"}
    ran = report("--traceback", "failure.txt", "--show-redactions", variables=variables)
    assert "<token-2>  hf_abcdefghijklmnop1234\n" in ran.out
    assert "### System Info" not in ran.out
    written = report("--traceback", "failure.txt", "--show-redactions", "-o", "r.md", variables=variables)
    assert "hf_abcdefghijklmnop1234" in written.out
    assert "hf_abc" not in (tmp_path / "r.md").read_text("utf-8")


def test_check_says_how_to_attach_it(doctor: Doctor, stack: Stack) -> None:
    out = " ".join(doctor("check", "--no-live", "--python", stack.home).out.split())
    assert out.endswith("-o report.md")
    assert "for a bug report: doctor report --python " in out


@pytest.mark.parametrize("command", ["report", "compare"])
def test_help_fits_a_terminal(doctor: Doctor, command: str) -> None:
    assert max(map(len, doctor(command, "--help", variables={"COLUMNS": "80"}).out.splitlines())) <= 80


# The way back


@pytest.mark.parametrize("form", FORMATS)
def test_the_diagnosis_made_from_a_report_is_the_same(doctor: Doctor, report: Any, stack: Stack, tmp_path: Path, form: str) -> None:
    here = doctor("check", "--no-live", "--python", stack.home, "--format", "json")
    assert report("--format", form, "-o", "report").code == 0
    there = doctor("check", "--from", "report", "--format", "json")
    assert there.code == here.code
    assert there.json["findings"] == here.json["findings"]
    assert there.json["upgrade"]["changes"] == here.json["upgrade"]["changes"]
    assert there.json["environment"]["packages"] == here.json["environment"]["packages"]
    assert there.json["environment"]["unknown"] == here.json["environment"]["unknown"]


@pytest.mark.parametrize("form", FORMATS)
def test_what_the_reproducers_saw_comes_back_too(doctor: Doctor, tmp_path: Path, form: str) -> None:
    attachment = golden_attachment()
    report = replace(attachment.report, observations=(Observation("MT080", "reproduced", "the weights are gone"),))
    attachment = replace(attachment, report=report)
    text = {"markdown": markdown(attachment), "json": as_json(report), "html": html(attachment, {})}[form]
    (tmp_path / "report").write_text(text, encoding="utf-8")
    findings = {each["id"]: each for each in doctor("check", "--from", "report", "--format", "json").json["findings"]}
    assert (findings["MT080"]["status"], findings["MT080"]["observed"]) == ("confirmed", "reproduced: the weights are gone")


def test_two_environments_are_compared(doctor: Doctor, report: Any, stack: Stack, tmp_path: Path) -> None:
    report("-o", "report.md")
    info = stack.packages / "transformers-4.46.3.dist-info"
    info.rename(info.with_name("transformers-4.51.3.dist-info"))
    metadata = stack.packages / "transformers-4.51.3.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text().replace("4.46.3", "4.51.3"))
    ran = doctor("compare", "report.md", stack.home, "--no-live")
    assert ran.code == 1
    words = " ".join(ran.out.split())
    assert "Versions between which a known problem begins or ends packages.transformers.version A: 4.46.3; B: 4.51.3" in words
    assert "only A" in words
    data = doctor("compare", "report.md", stack.home, "--no-live", "--format", "json")
    jsonschema.validate(data.json, json.loads(published_schemas()["comparison.schema.json"]))
    assert data.json["exit_code"] == data.code == 1
    assert data.json["differences"][0]["risk"] == "boundary"


def test_the_same_environment_does_not_differ(doctor: Doctor, report: Any, tmp_path: Path) -> None:
    report("-o", "a.md")
    report("-o", "b.html", "--format", "html")
    ran = doctor("compare", "a.md", "b.html", "a.md")
    assert ran.code == 0
    assert "No difference that doctor can see." in ran.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["one.md"], "compare: name two environments or more"),
        (["none.md", "none.md"], "none.md: cannot be read"),
        (["empty.txt", "empty.txt"], "empty.txt: no environment found in it"),
        (["newer.json", "newer.json"], "newer.json: a report of schema version 3, written by doctor '9.0'; this doctor reads versions 1 and 2"),
    ],
)
def test_what_cannot_be_compared_is_said_in_one_line(doctor: Doctor, tmp_path: Path, arguments: list[str], message: str) -> None:
    (tmp_path / "empty.txt").write_text("nothing here\n")
    (tmp_path / "newer.json").write_text('{"schema_version": 3, "doctor_version": "9.0", "environment": {}}')
    ran = doctor("compare", *arguments)
    assert (ran.code, ran.out) == (2, "")
    (line,) = ran.err.splitlines()
    assert message in line


# Broken environments

_WORST = (
    "torch-import-hangs-and-ignores-signals", "torch-import-segfaults", "torch-error-with-private-and-control-characters",
    "version-with-private-and-control-characters",
)  # fmt: skip


@pytest.mark.parametrize("patient", [each for each in all_patients() if each.name in _WORST], ids=lambda patient: patient.name)
def test_no_stack_is_too_broken_for_a_report(doctor: Doctor, patient: Any, base: Path, tmp_path: Path) -> None:
    home = patient.make(base, tmp_path)
    started = time.monotonic()
    ran = doctor("report", "--python", home, "--timeout", "2", variables={"HOME": "/home/patient-zero", "USER": "patient-zero"})
    assert time.monotonic() - started < 20
    assert (ran.code, ran.err) == (0, "")
    assert "### System Info" in ran.out
    for never in ("patient-zero", "\x1b", *patient.expected.never):
        assert never not in ran.out


# Privacy


def _filled(value: Any, texts: list[str]) -> Any:
    """`value` with a text in place of every string that is free to hold anything."""
    if isinstance(value, str):
        return texts.pop()
    if isinstance(value, tuple):
        return tuple(_filled(item, texts) for item in value)
    if isinstance(value, Mapping):
        return {key: _filled(item, texts) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        fixed = {"kind", "seen_by", "source", "origin", "vendor", "system", "slug", "package"} | (
            {"name"} if type(value).__name__ == "Distribution" else set()
        )
        return replace(value, **{each.name: _filled(getattr(value, each.name), texts) for each in fields(value) if each.name not in fixed})
    return value


def test_no_secret_leaves_by_any_fact_in_any_format() -> None:
    """Every secret in turn stands in every place a fact can come from, and every byte of every output is searched."""
    secrets, matrix = list({each.kind: each for each in planted(11)}.values()), golden_matrix()
    environment: Environment = golden_environment()
    assert len(secrets) >= 160
    for turn in range(0, len(secrets), 9):
        turned = [each.text for each in secrets[turn:] + secrets[:turn]] * 2
        here = replace(_filled(environment, turned), manager=environment.manager)
        redactor = Redactor(("/home/quentina",), "quentina", "tycho-lab")
        report = report_on(
            diagnose(here, matrix, {}), redactor, "\n".join(each.text for each in secrets[turn : turn + 40]), {"fsdp_config": secrets[turn].text}
        )
        attachment = attachment_of(report, matrix, tuple(each.label for each in redactor.masked))
        outputs = [as_json(report), html(attachment, {}), *(markdown(attachment, name) for name in ("general", "vllm"))]
        whole = "\n".join(outputs)
        assert [each for each in secrets if each.needle in whole] == []


@POSIX
def test_no_secret_leaves_a_real_environment(doctor: Doctor, stack: Stack, tmp_path: Path) -> None:
    """Variables, .pth, direct_url.json, METADATA, pip's configuration, accelerate's, a traceback."""
    home = tmp_path / "quentina"
    (home / ".config" / "pip").mkdir(parents=True)
    (home / ".config" / "pip" / "pip.conf").write_text("[global]\nindex-url = https://ci:pw-one@nexus.acme.biz/simple\n")
    config = home / ".cache" / "huggingface" / "accelerate" / "default_config.yaml"
    config.parent.mkdir(parents=True)
    config.write_text("distributed_type: FSDP\nmain_process_ip: 10.9.8.7\nfsdp_config:\n  note: hf_abcdefghijklmnop9999\ncommands: secret-command\n")
    source = tmp_path / "acme-source"
    source.mkdir()
    (stack.packages / "acme.pth").write_text(f"{source}\n")
    info = stack.packages / "acme_llm-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: acme-llm\nVersion: 1.0\nRequires-Dist: transformers>=4\nAuthor-email: boss@acme.biz\n"
    )
    (info / "direct_url.json").write_text(json.dumps({"url": f"file://{source}", "dir_info": {"editable": True}}))
    (tmp_path / "failure.txt").write_text(
        f'File "{source}/acme_llm/train.py", line 3, in go\n  import acme_llm  # ask boss@acme.biz\n'
        f"HTTPSConnectionPool(host='nexus.acme.biz', port=443)\nopen sesame; password=pw-two\nFile \"{home}/x.py\""
    )
    variables = {"HOME": str(home), "USER": "quentina", "LOGNAME": "quentina", "ACME_TOKEN": "open sesame", "CUDA_VISIBLE_DEVICES": "GPU-aaaa1111"}
    needles = (
        "quentina", "nexus.acme.biz", "pw-one", "10.9.8.7", "hf_abcdefghijklmnop9999", "secret-command", "acme-source", "acme-llm", "acme_llm",
        "boss@acme.biz", "open sesame", "pw-two", "GPU-aaaa1111",
    )  # fmt: skip
    for form in FORMATS:
        ran = doctor("report", "--no-live", "--python", stack.home, "--traceback", "failure.txt", "--format", form, variables=variables)
        assert ran.code == 0
        assert [each for each in needles if each in ran.out] == []
    kept = doctor("report", "--no-live", "--python", stack.home, "--traceback", "failure.txt", "--keep-private", variables=variables).out
    assert "acme-llm" in kept
    assert "acme-source/acme_llm/train.py" in kept
    assert [each for each in needles if each in kept] == ["acme-source", "acme-llm", "acme_llm"]
    checked = doctor("check", "--redact", "--no-live", "--python", stack.home, "--format", "json", variables=variables).out
    assert [each for each in needles if each in checked] == []


def test_sides_that_are_alike_are_one(doctor: Doctor, tmp_path: Path) -> None:
    for rank in range(64):
        version = "4.53.1" if rank == 37 else "4.51.3"
        (tmp_path / f"rank{rank}.txt").write_text(f"torch==2.6.0\ntransformers=={version}\naccelerate==1.6.0\n")
    ran = doctor("compare", *(f"rank{rank}.txt" for rank in range(64)), variables={"COLUMNS": "80"})
    first, alike, other, *_ = ran.out.splitlines()
    assert ran.code == 1
    assert first == "63 of 64 are alike; rank37.txt differs in transformers."
    assert alike == "A  63 alike: rank0.txt ... rank63.txt"
    assert other == "B  rank37.txt"
    assert "packages.transformers.version  A: 4.51.3; B: 4.53.1" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80


def test_however_many_sides_have_a_finding_its_title_is_no_column_of_words(doctor: Doctor, tmp_path: Path) -> None:
    names = []
    for version in ("4.40.0", "4.51.3"):
        for torch in range(1, 9):
            names.append(f"{version}-{torch}.txt")
            (tmp_path / names[-1]).write_text(f"torch==2.{torch}.0\ntransformers=={version}\naccelerate==1.6.0\n")
    lines = doctor("compare", *names, variables={"COLUMNS": "80"}).out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("  MT002"))
    assert lines[at] == "  MT002 error   Loading models from several threads leaves parameters on meta"
    assert lines[at + 1].strip() == "only I, J, K, L, M, N, O, P"
