"""Environments that were made to hang, flood or crash whoever looks at them: the real command on each, with its time and memory held."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.measured import Measured, measured
from tests.patients_support import site_packages

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="named pipes and devices are POSIX")
MOST_MEMORY = 150 * 1024 * 1024
"""Of the command, in bytes: more than twice what it takes for a healthy patient."""


def run(home: Path, *arguments: object, variables: Mapping[str, str] | None = None) -> Measured:
    done = measured(*arguments, cwd=home.parent, variables=variables)
    assert done.memory < MOST_MEMORY
    return done


def faults(examined: Measured) -> list[str]:
    return [f"{each['id']} {each['package']}: {each['trigger']}" for each in examined.report["findings"] if each["kind"] == "installation"]


def unknown(examined: Measured) -> dict[str, str]:
    return {each["fact"]: each["reason"] for each in examined.report["environment"]["unknown"]}


@pytest.fixture
def check(home: Path) -> Callable[..., Measured]:
    def run_check(*arguments: object, **options: Any) -> Measured:
        return run(home, "check", "--python", home, "--format", "json", "--timeout", "3", *arguments, **options)

    return run_check


def pipe_in_place_of(file: Path) -> None:
    file.unlink(missing_ok=True)
    os.mkfifo(file)


def _record(packages: Path) -> Path:
    return packages / "transformers-5.23.0.dist-info"


def _metadata_is_a_pipe(packages: Path) -> None:
    pipe_in_place_of(_record(packages) / "METADATA")


def _metadata_is_endless(packages: Path) -> None:
    (_record(packages) / "METADATA").unlink()
    (_record(packages) / "METADATA").symlink_to("/dev/zero")


def _metadata_has_no_end_of_headers(packages: Path) -> None:
    (_record(packages) / "METADATA").write_text("Name: transformers\nVersion: 5.23.0\n" + "Requires-Dist: torch\n" * 400_000)


def _direct_url_is_a_pipe(packages: Path) -> None:
    pipe_in_place_of(_record(packages) / "direct_url.json")


def _direct_url_is_huge(packages: Path) -> None:
    (_record(packages) / "direct_url.json").write_text("[" * 30_000_000)


def _installer_is_a_pipe(packages: Path) -> None:
    pipe_in_place_of(_record(packages) / "INSTALLER")


def _record_is_a_pipe(packages: Path) -> None:
    pipe_in_place_of(_record(packages) / "RECORD")
    (packages / "transformers" / "__init__.py").unlink()


@pytest.mark.parametrize(
    ("damage", "detail"),
    [
        (_metadata_is_a_pipe, "no usable METADATA in {record} (METADATA: a named pipe, not a file)"),
        (_metadata_is_endless, "no usable METADATA in {record} (METADATA: a device, not a file)"),
        (_metadata_has_no_end_of_headers, "no usable METADATA in {record} (METADATA: its headers are longer than 1024 KiB)"),
        (_direct_url_is_a_pipe, "not all in {record} can be read (direct_url.json: a named pipe, not a file)"),
        (_direct_url_is_huge, "not all in {record} can be read (direct_url.json: more than 1024 KiB)"),
        (_installer_is_a_pipe, "not all in {record} can be read (INSTALLER: a named pipe, not a file)"),
        (_record_is_a_pipe, "not all in {record} can be read (RECORD: a named pipe, not a file)"),
    ],
)
def test_a_file_of_a_record_that_is_none_is_a_fault_of_the_installation(
    damage: Callable[[Path], None], detail: str, home: Path, check: Callable[..., Measured]
) -> None:
    packages = site_packages(home)
    damage(packages)
    examined = check("--no-live")
    assert faults(examined) == ["IN002 transformers: " + detail.format(record=_record(packages))]
    assert examined.code == 1


def test_a_report_of_such_an_environment_is_written(home: Path, tmp_path: Path) -> None:
    packages = site_packages(home)
    for name in ("METADATA", "direct_url.json", "RECORD"):
        pipe_in_place_of(_record(packages) / name)
    pipe_in_place_of(packages / "added.pth")
    (tmp_path / "hf" / "accelerate").mkdir(parents=True)
    pipe_in_place_of(tmp_path / "hf" / "accelerate" / "default_config.yaml")
    written = run(home, "report", "--python", home, "--no-live", variables={"HF_HOME": str(tmp_path / "hf")})
    assert written.code == 0
    assert "a named pipe, not a file" in written.out


def test_a_project_file_that_is_a_pipe_is_not_waited_for(home: Path, check: Callable[..., Measured]) -> None:
    os.mkfifo(home.parent / "pyproject.toml")
    assert check("--no-live").code == 0


def test_a_module_whose_version_file_is_a_pipe_is_as_its_record_says(home: Path, check: Callable[..., Measured]) -> None:
    pipe_in_place_of(site_packages(home) / "torch" / "version.py")
    assert check("--no-live").report["environment"]["packages"]["torch"]["version"] == "2.13.0+cpu"


def test_a_pth_file_that_cannot_be_read_is_said(home: Path, check: Callable[..., Measured]) -> None:
    packages = site_packages(home)
    for number in range(8):
        pipe_in_place_of(packages / f"{number}.pth")
    examined = check("--no-live")
    reasons = [each["reason"] for each in examined.report["environment"]["unknown"] if each["fact"] == "python.path"]
    assert reasons == [
        *(f"{packages / str(number)}.pth cannot be read: a named pipe, not a file" for number in range(5)),
        "3 more .pth files cannot be read",
    ]
    assert examined.code == 0


@pytest.mark.parametrize("value", ["/usr\0/bin", "x" * 5000, "/" + "x/" * 3000, "\udcff", ""], ids=["NUL", "long", "deep", "not UTF-8", "empty"])
def test_a_home_that_no_folder_can_have_is_passed_over(home: Path, check: Callable[..., Measured], value: str) -> None:
    text = f"home = {value}\nextends-environment = {value}\ninclude-system-site-packages = true\nversion = 3.11.7\n"
    if value != "/usr\0/bin":
        text = text.replace("extends-environment", "other")
    (home / "pyvenv.cfg").write_bytes(text.encode("utf-8", "surrogateescape"))
    packages = site_packages(home)
    packages.parent.rename(packages.parent.parent / "python3.11")
    assert check("--no-live").report["environment"]["packages"]["torch"]["version"] == "2.13.0+cpu"


@pytest.mark.parametrize(
    "line",
    [
        "torch>=1; " + "(" * 5000 + 'python_version>"3"' + ")" * 5000,
        "torch>=1; " + "(" * 300 + 'python_version>"3"' + ")" * 300,
        "torch>=1; " + " or ".join(['python_version>"3"'] * 20_000),
        f"torch>={'9' * 5000}",
        f'torch>=1; python_version > "{"9" * 5000}"',
        "torch>=one",
        "torch>=1; \ud800",
    ],
    ids=["nested", "nested less", "huge", "long version", "long version in a marker", "no version", "half a character"],
)
def test_a_requirement_that_nobody_can_read_is_said(home: Path, check: Callable[..., Measured], line: str) -> None:
    text = f"Name: odd\nVersion: 1.0\nRequires-Dist: {line}\nRequires-Dist: accelerate>=0.20\n"
    (site_packages(home) / "odd-1.0.dist-info").mkdir()
    (site_packages(home) / "odd-1.0.dist-info" / "METADATA").write_bytes(text.encode("utf-8", "surrogatepass"))
    examined = check("--no-live")
    assert unknown(examined)["requirements"] == "what odd need of these packages cannot be read"
    assert {"dependent": "odd", "package": "accelerate", "specifier": ">=0.20"} in examined.report["environment"]["requirements"]
    assert examined.code == 0


def test_what_there_was_no_time_to_read_is_unknown_and_the_report_not_clean(home: Path, check: Callable[..., Measured]) -> None:
    for number in range(500):
        (site_packages(home) / f"a_{number}-1.0.dist-info").mkdir()
    examined = check("--no-live", "--timeout", "0.0001")
    assert unknown(examined)["packages"] == "only 100 of 503 records were read within 0.0001 s (--timeout gives it longer)"
    assert (faults(examined), examined.code) == ([], 2)
    packages = examined.report["environment"]["packages"]
    assert {name: packages[name]["source"] for name in ("torch", "transformers", "accelerate")} == {
        "torch": "metadata", "transformers": "metadata", "accelerate": "metadata",
    }  # fmt: skip


def test_of_requirements_without_number_only_so_many_are_looked_at(home: Path, check: Callable[..., Measured]) -> None:
    (site_packages(home) / "odd-1.0.dist-info").mkdir()
    (site_packages(home) / "odd-1.0.dist-info" / "METADATA").write_text("Name: odd\nVersion: 1.0\n" + "Requires-Dist: torch>=1\n" * 20_000)
    examined = check("--no-live")
    assert unknown(examined)["requirements"] == "only the first 2000 were looked at"
    assert len(examined.report["environment"]["requirements"]) == 2000


# What runs in the patient


@pytest.mark.parametrize("prefix", ["'x' * 5000 + '/.venv'", r"'\ud800/.venv'", r"'/a\0b/.venv'"], ids=["long", "half a character", "NUL"])
def test_a_prefix_that_no_folder_has_is_as_good_as_any(home: Path, check: Callable[..., Measured], prefix: str) -> None:
    (site_packages(home) / "sitecustomize.py").write_text(f"import sys\nsys.prefix = {prefix}\n")
    examined = check()
    assert examined.report["environment"]["packages"]["torch"]["version"] == "2.13.0+cpu"
    assert (faults(examined), examined.code) == ([], 0)


def test_a_search_path_with_what_no_file_is_called_is_read(home: Path, check: Callable[..., Measured]) -> None:
    strange = "" if sys.version_info >= (3, 13) else r"'\ud800', '/nul\0byte', "  # with which Python 3.13 finds no module
    entries = rf"[{strange}'/\udcff', 7, b'/bytes', None, 'x' * 5000]"
    (site_packages(home) / "sitecustomize.py").write_text(f"import sys\nsys.path += {entries}\n")
    examined = check()
    assert examined.report["environment"]["packages"]["torch"]["version"] == "2.13.0+cpu"
    assert (faults(examined), examined.code) == ([], 0)


HANGS = "import time; time.sleep(600)"


def _hanging_pth(packages: Path) -> str:
    (packages / "hangs.pth").write_text(HANGS + "\n")
    return f"in {packages / 'hangs.pth'} it did not answer within 2 s"


def _pipe_as_pth(packages: Path) -> str:
    pipe_in_place_of(packages / "pipe.pth")
    return f"in {packages / 'pipe.pth'} it did not answer within 2 s"


def _hanging_sitecustomize(packages: Path) -> str:
    (packages / "sitecustomize.py").write_text(HANGS)
    return f"in {packages / 'sitecustomize.py'} it did not answer within 2 s"


def _hanging_usercustomize(packages: Path) -> str:
    home = packages.parents[2]
    (home / "pyvenv.cfg").write_text((home / "pyvenv.cfg").read_text().replace("= false", "= true"))
    user = packages.parents[3] / "user" / "lib" / packages.parent.name / "site-packages"
    user.mkdir(parents=True)
    (user / "usercustomize.py").write_text(HANGS)
    return f"in {user / 'usercustomize.py'} it did not answer within 2 s"


def _sitecustomize_that_ends_it(packages: Path) -> str:
    (packages / "sitecustomize.py").write_text("import sys; print('no licence', file=sys.stderr); sys.stderr.flush(); import os; os._exit(3)")
    return f"in {packages / 'sitecustomize.py'} it ended with exit status 3: no licence"


@pytest.mark.parametrize("damage", [_hanging_pth, _pipe_as_pth, _hanging_sitecustomize, _hanging_usercustomize, _sitecustomize_that_ends_it])
def test_what_keeps_python_from_starting_is_named_and_the_rest_read_without_it(
    damage: Callable[[Path], str], home: Path, tmp_path: Path, check: Callable[..., Measured]
) -> None:
    what = damage(site_packages(home))
    examined = check("--timeout", "2", variables={"PYTHONUSERBASE": str(tmp_path / "user")})
    assert unknown(examined)["python"] == f"this Python does not start: {what}"
    assert unknown(examined)["torch"] == "torch was not asked: its Python does not start"
    assert examined.report["environment"]["packages"]["torch"]["version"] == "2.13.0+cpu"
    assert examined.report["environment"]["python"]["implementation"] == "CPython"
    assert examined.code == 2


def test_where_nothing_of_the_stack_is_installed_that_python_does_not_start_is_said_first(home: Path, tmp_path: Path) -> None:
    packages = site_packages(home)
    for folder in list(packages.iterdir()):
        folder.rename(tmp_path / folder.name)
    _sitecustomize_that_ends_it(packages)
    examined = run(home, "check", "--python", home, variables={"COLUMNS": "400"})
    assert examined.out.splitlines()[1].startswith("[??] This Python does not start: in ")
    assert examined.code == 2
