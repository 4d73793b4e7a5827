"""The patient's own installer, pip or uv: asked what it would do, and made to do it, aimed at the patient and nothing else."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from doctor.errors import DoctorError
from doctor.facts.frozen import Frozen
from doctor.fix.home import Home
from doctor.fix.inventory import Inventory
from doctor.probe.answers import one_line
from doctor.probe.child import Child, Outcome

_RESOLVE_SECONDS = 600.0
_APPLY_SECONDS = 3600.0
_ASK_SECONDS = 60.0
_DYING_SECONDS = 60.0
_FIRST_PIP_THAT_REPORTS = Version("22.2")
"""With `install --dry-run --report`: https://pip.pypa.io/en/stable/news/#v22-2."""
_ELSEWHERE = ("TARGET", "PREFIX", "ROOT", "USER", "PYTHON", "SYSTEM_PYTHON", "BREAK_SYSTEM_PACKAGES", "PROJECT_ENVIRONMENT", "PROJECT")
_OTHERWISE = ("REQUIREMENT", "EDITABLE", "REPORT", "DRY_RUN", "NO_DEPS", "UPGRADE", "FORCE_REINSTALL", "IGNORE_INSTALLED", "QUIET", "VERBOSE")
_DROPPED = frozenset((*(f"{tool}_{name}" for tool in ("PIP", "UV") for name in (*_ELSEWHERE, *_OTHERWISE)), "VIRTUAL_ENV", "CONDA_PREFIX"))
"""Variables that would send an installer to another environment, or make it do something else than it is told."""
_SENT_ELSEWHERE = re.compile(rb"^(?:global|install)\.(target|prefix|root)=", re.MULTILINE)
"""The same in pip's configuration files, as `pip config list` has it."""
_UNREACHABLE = re.compile(
    r"Retrying \(Retry|ConnectionError|Connection(?:Reset| refused| broken)|Temporary failure in name resolution|ReadTimeout|too many 5\d\d error"
    r"|5\d\d Server Error|SSLError|CERTIFICATE_VERIFY|Failed to fetch|error sending request|network was disabled|HTTP status server error"
    r"|Failed to download|Request failed after"
    r"|\(from versions: none\)|was not found in the package registry",  # of what is installed, an index that answers has some release
    re.IGNORECASE,
)
_LOCKED_FILE = re.compile(r'url = "([^"\n]{1,400})"[^}\n]{0,200}?size = (\d{1,15})')
_NOT_THE_REASON = re.compile(r"^(?:WARNING|hint|Using Python|Looking in|\[notice\]|DEPRECATION)|^\s*$")


class Resolved(Frozen):
    """What an installer would do."""

    versions: Mapping[str, str]
    """What it would install, by normalised name."""
    sizes: Mapping[str, int]
    """Bytes to be downloaded, as far as they could be told."""


class Failed(Frozen):
    """Why an installer would not."""

    unreachable: bool
    """Whether the index did not answer as it should; else there is no such set of releases."""
    said: str
    """What it said, in one line."""


class Installer(Frozen):
    """An installer and the interpreter that it is aimed at."""

    name: Literal["pip", "uv"]
    head: tuple[str, ...]
    """The beginning of every command."""
    aim: tuple[str, ...]
    """Options that aim it."""
    shown: tuple[str, ...]
    """The beginning of the command as it is shown to people."""

    def install_command(self, pins: Sequence[str], index: str | None = None) -> tuple[str, ...]:
        """The command that installs exactly these, for people to read."""
        return (*self.shown, "--no-deps", *_index_options(self.name, index), *pins)

    def again_command(self, pin: str) -> tuple[str, ...]:
        """The command that installs a release once more, over what is there of it, for people to read."""
        return (*self.shown, "--no-deps", "--force-reinstall" if self.name == "pip" else "--reinstall", pin)

    def resolve(self, requirements: Sequence[str], constraints: Sequence[str], home: Home, index: str | None = None) -> Resolved | Failed:
        """What it would install for `requirements`, with everything else that is installed kept within `constraints`."""
        with tempfile.TemporaryDirectory(prefix="doctor-", ignore_cleanup_errors=True) as folder:
            limits, report = Path(folder, "constraints.txt"), Path(folder, "report.json")
            limits.write_text("\n".join(constraints) + "\n", "utf-8")
            options = ["--dry-run", "--constraint", str(limits), *_index_options(self.name, index)]
            options += ["--report", str(report)] if self.name == "pip" else ["--output-format", "json"]
            outcome = _run([*self.head, "install", *self.aim, *options, *requirements], _RESOLVE_SECONDS)
            if outcome.returncode != 0 or outcome.timed_out:
                return _failed(outcome)
            try:
                if self.name == "pip":
                    return _of_pip(json.loads(report.read_bytes()))
                versions = _of_uv(outcome, home)
                return Resolved(versions, self._sizes(versions, home, Path(folder), index))
            except (ValueError, KeyError, TypeError, OSError) as error:
                return Failed(False, f"what {self.name} answered cannot be understood: {one_line(str(error), 100)}")

    def _sizes(self, versions: Mapping[str, str], home: Home, folder: Path, index: str | None) -> Mapping[str, int]:
        """What uv says of the sizes of releases when it locks them (PEP 751), as far as the index tells it."""
        wanted = folder / "wanted.txt"
        wanted.write_text("".join(f"{name}=={version}\n" for name, version in versions.items()), "utf-8")
        options = ["--quiet", "--no-deps", "--no-header", "--format", "pylock.toml", *_index_options("uv", index)]
        locked = _run([*self.head, "compile", *self.aim, *options, str(wanted)], _ASK_SECONDS).stdout.decode("utf-8", "replace")
        sizes = {}
        for part in locked.split("[[packages]]")[1:]:
            name = re.search(r'^name = "([^"\n]{1,200})"', part, re.MULTILINE)
            wheels = [(url.rpartition("/")[2], int(size)) for url, size in _LOCKED_FILE.findall(part)]
            fitting = [size for file, size in wheels if _fits(file, home)]
            if name is not None and fitting:
                sizes[name[1]] = fitting[0]
        return sizes

    def apply(self, pins: Sequence[str], index: str | None = None) -> Failed | None:
        """Install exactly these; None when it ended well."""
        outcome = _run(self._apply_command(pins, index), _APPLY_SECONDS)
        return _failed(outcome) if outcome.returncode != 0 or outcome.timed_out else None

    def end_abandoned(self, pins: Sequence[str], index: str | None = None) -> None:
        """End an `apply` of a doctor that was killed, where it outlived that; nothing else is run by the same words, and the lock is ours."""
        import psutil

        command, found = self._apply_command(pins, index), []
        for each in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if each.cmdline() == command:
                    each.kill()
                    found.append(each)
        psutil.wait_procs(found, _DYING_SECONDS)

    def _apply_command(self, pins: Sequence[str], index: str | None) -> list[str]:
        return [*self.head, "install", *self.aim, "--no-deps", *_index_options(self.name, index), *pins]

    def freeze(self) -> bytes:
        """What `freeze` prints: the versions, and where those came from that are not from an index."""
        return _run([*self.head, "freeze", *(self.aim if self.name == "uv" else ())], _ASK_SECONDS).stdout

    def check(self) -> tuple[str, ...]:
        """What `check` complains of, a line each."""
        outcome = _run([*self.head, "check", *(self.aim if self.name == "uv" else ())], _ASK_SECONDS)
        lines = (outcome.stdout + outcome.stderr).decode("utf-8", "replace").splitlines()
        found = [line for line in lines if re.search(r"requires|has requirement|is not supported|is not installed", line)]
        return tuple(found) if outcome.returncode else ()


def installer_of(manager: str, home: Home, inventory: Inventory) -> Installer:
    """The installer that an environment is filled by, where `manager` is what put packages there.

    Raises `DoctorError` when there is none that can be asked first.
    """
    uv = _uv()
    pip = _version(inventory["pip"].version) if "pip" in inventory else None
    if uv is not None and (manager == "uv" or pip is None):
        return Installer("uv", (uv, "pip"), ("--python", home.executable), ("uv", "pip", "install", "--python", home.executable))
    if pip is not None and pip >= _FIRST_PIP_THAT_REPORTS:
        return _pip(home)
    if uv is not None:
        return Installer("uv", (uv, "pip"), ("--python", home.executable), ("uv", "pip", "install", "--python", home.executable))
    if pip is None:
        raise DoctorError("neither pip nor uv is to be had for this environment: install uv, or `python -m ensurepip` with its interpreter")
    raise DoctorError(f"pip {pip} cannot say what it would do: `{home.executable} -m pip install --upgrade pip` first (22.2 or later), or install uv")


def _pip(home: Home) -> Installer:
    # Isolated (-I): no folder of the user's may stand before pip. -I leaves pip's own variables and configuration in force.
    head = (home.executable, "-I", "-m", "pip", "--no-input", "--disable-pip-version-check")
    sent = _SENT_ELSEWHERE.search(_run([*head, "config", "list"], _ASK_SECONDS).stdout)
    if sent is not None:
        where = "`pip config debug` says where that stands"
        raise DoctorError(f"pip's configuration sets `{sent[1].decode()}`, so it would install elsewhere ({where}): `pip config unset` it")
    return Installer("pip", head, ("--no-user", "--quiet"), (home.executable, "-m", "pip", "install"))


def _uv() -> str | None:
    """The uv on PATH, else the one beside doctor."""
    return shutil.which("uv") or shutil.which("uv", path=os.path.dirname(os.path.abspath(sys.executable)))


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _index_options(name: str, index: str | None) -> list[str]:
    if index is None:
        return []
    return ["--extra-index-url", index] if name == "pip" else ["--index", index, "--index-strategy", "unsafe-best-match"]


def variables() -> dict[str, str]:
    """The process's variables without those that would aim an installer elsewhere."""
    kept = {name: value for name, value in os.environ.items() if name not in _DROPPED}
    return {"PIP_RETRIES": "2", "UV_HTTP_RETRIES": "2", "PIP_PROGRESS_BAR": "off", "UV_NO_PROGRESS": "1", **kept}


def _run(command: Sequence[str], seconds: float) -> Outcome:
    try:
        child = Child(command, seconds, variables())
    except OSError as error:
        raise DoctorError(f"{command[0]} cannot be run: {error.strerror or error}") from None
    try:
        with child:
            return child.wait()
    finally:
        child.gone(_DYING_SECONDS)  # before anybody puts back what it may be writing


def _failed(outcome: Outcome) -> Failed:
    lines = outcome.stderr.decode("utf-8", "replace").splitlines()
    told = [line.removeprefix("ERROR: ").strip() for line in lines if not _NOT_THE_REASON.search(line)]
    said = one_line("; ".join(re.sub(r" \(from versions: [^()]{0,20000}\)", "", line) for line in told[:4]), 400)
    how = "did not end in time" if outcome.timed_out else f"ended with {outcome.ending}"
    return Failed(outcome.timed_out or any(_UNREACHABLE.search(line) for line in lines), said or how)


def _of_pip(report: object) -> Resolved:
    """As https://pip.pypa.io/en/stable/reference/installation-report/ describes it."""
    if not isinstance(report, dict):
        raise ValueError("no report")
    versions: dict[str, str] = {}
    sizes: dict[str, int] = {}
    for each in report["install"]:
        name = canonicalize_name(each["metadata"]["name"])
        versions[name] = str(each["metadata"]["version"])
        size = _size(str(each["download_info"]["url"]))
        if size is not None:
            sizes[name] = size
    return Resolved(versions, sizes)


def _of_uv(outcome: Outcome, home: Home) -> dict[str, str]:
    aimed = re.search(r"environment at: (.+)", outcome.stderr.decode("utf-8", "replace"))
    if aimed is not None and os.path.realpath(os.path.expanduser(aimed[1].strip())) != os.path.realpath(home.prefix):
        raise ValueError(f"uv's configuration sends it to {aimed[1].strip()}")
    changes = json.loads(outcome.stdout)["changes"]
    return {canonicalize_name(each["name"]): str(each["version"]) for each in changes if each["action"] == "installed"}


def _fits(file: str, home: Home) -> bool:
    """Whether a wheel may be one for this machine: of several that are, any says how large it is."""
    tags = file.removesuffix(".whl").rpartition("-")[2]
    system = {"linux": "linux", "darwin": "macosx", "win32": "win"}.get(home.markers.get("sys_platform", ""), "?")
    machine = home.markers.get("platform_machine", "?").lower()
    return file.endswith(".whl") and (tags == "any" or (system in tags and (machine in tags or "universal2" in tags)))


def _size(url: str) -> int | None:
    """How many bytes lie at an address that pip named; None when it does not say."""
    from urllib.error import URLError
    from urllib.request import Request, url2pathname, urlopen

    try:
        if url.startswith("file://"):
            return os.stat(url2pathname(url.removeprefix("file://"))).st_size
        with urlopen(Request(url, method="HEAD"), timeout=5) as answer:
            length = answer.headers.get("Content-Length")
            return int(length) if length and length.isdecimal() else None
    except (URLError, OSError, ValueError):
        return None
