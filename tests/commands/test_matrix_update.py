"""`doctor matrix update`: a newer matrix without a newer doctor, from real files and a real https server; what is wrong with one leaves the old."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from doctor.errors import DoctorError
from doctor.knowledge import updates
from doctor.knowledge.matrix_file import builtin_file, builtin_matrix, load_matrix, parse_matrix
from doctor.knowledge.updates import data_folder, day_of, is_newer
from doctor.readers import published
from doctor.site.browser import archive
from tests.conftest import Doctor, Ran

BUILT_IN = builtin_matrix().version
TEXT = builtin_file().read_text("utf-8")
NEWER, NEWEST, OLDER = "2099.01.02", "2099.01.03", "2001.01.01"
KEPT = "matrix-update"


def yaml_of(version: str, text: str = TEXT) -> str:
    return text.replace(f'version: "{BUILT_IN}"', f'version: "{version}"', 1)


def put(file: Path, content: str | bytes) -> Path:
    """The file, and its checksum beside it."""
    file.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    file.with_name(f"{file.name}.sha256").write_text(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n")
    return file


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data home"
    monkeypatch.setenv(updates.VARIABLE, str(folder))
    return folder


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    return put(tmp_path / "compat.yaml", yaml_of(NEWER))


def refused(ran: Ran) -> str:
    """The one line it says, with exit code 2."""
    assert (ran.code, ran.out) == (2, "")
    (line,) = ran.err.splitlines()
    assert line.isprintable()
    return line


def test_a_newer_matrix_is_used_by_every_command_until_it_is_removed(doctor: Doctor, home: Path, newer: Path, old_stack: Path) -> None:
    before = doctor("--version").out
    ran = doctor("matrix", "update", newer)
    assert ran.out == (
        f"Matrix {NEWER} (updated from {newer}, {len(builtin_matrix().advisories)} advisories) is in use; before it was {BUILT_IN} (built in).\n"
    )
    assert [each.name for each in home.iterdir()] == [KEPT]
    assert f"matrix {NEWER} (updated from {newer})" in doctor("--version").out
    report = doctor("check", "--no-live", "--format", "json", "--python", old_stack).json
    assert report["matrix"] == {"version": NEWER, "advisories": len(builtin_matrix().advisories), "source": f"updated from {newer}"}
    text = newer.with_name("issue.txt")
    text.write_text("NotImplementedError: Cannot copy out of meta tensor; no data!\n")
    assert doctor("explain", "--format", "json", text).json["matrix"]["version"] == NEWER
    assert doctor("matrix", "list", "--format", "json").json["matrix"]["version"] == NEWER
    html = doctor("report", "--no-live", "--format", "html", "--python", old_stack).out
    assert f"matrix {NEWER} (updated from" in html
    assert str(newer) not in html  # which is masked
    masked = doctor("explain", "--redact", "--format", "json", text)
    assert str(newer) not in masked.out
    assert masked.json["matrix"]["source"].startswith("updated from ~tmp")
    assert doctor("matrix", "update", "--remove").out.startswith(f"Matrix {BUILT_IN} (built in,")
    assert doctor("--version").out == before
    assert doctor("matrix", "update", "--remove").out.endswith("is in use, as before.\n")


def test_the_updated_matrix_is_read_in_its_compiled_form(doctor: Doctor, home: Path, newer: Path) -> None:
    doctor("matrix", "update", newer)
    code = "import sys, doctor; print(doctor.load_matrix().version, doctor.load_matrix().advisory('MT001').title, 'yaml' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split()[0] == NEWER
    assert said.split()[-1] == "False"


def test_a_matrix_of_ones_own_stands_beside_the_updated_one(home: Path, newer: Path, doctor: Doctor, tmp_path: Path) -> None:
    doctor("matrix", "update", newer)
    own = tmp_path / "own.yaml"
    own.write_text('schema_version: 1\nversion: "mine"\npackages: {}\nadvisories: []\n')
    both = load_matrix(["builtin", str(own)])
    assert (both.version, both.source) == (f"{NEWER}+mine", f"updated from {newer} + {own}")


def test_the_same_file_again_changes_nothing(doctor: Doctor, home: Path, newer: Path) -> None:
    doctor("matrix", "update", newer)
    again = doctor("matrix", "update", newer, "--format", "json").json
    assert (again["changed"], again["matrix"]) == (False, again["before"])
    assert again["sha256"] == hashlib.sha256(newer.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def kept_of_newer() -> Callable[[Path], bytes]:
    """Puts an update into a data folder as the command does, made once."""
    made: list[bytes] = []

    def put_into(home: Path) -> bytes:
        if made:
            home.mkdir()
            (home / KEPT).write_bytes(made[0])
        else:
            keep(NEWER)
            made.append((home / KEPT).read_bytes())
        return made[0]

    return put_into


class Refusal(NamedTuple):
    """A file that is not taken, and what is said of it."""

    content: str | bytes
    says: str


REFUSED = {
    "older": Refusal(yaml_of(OLDER), f"its matrix is of {OLDER}, older than the one in use, {NEWER} (updated from"),
    "not a date": Refusal(yaml_of("tomorrow"), "its version is 'tomorrow' and no date"),
    "a later schema": Refusal(yaml_of(NEWEST).replace("schema_version: 1", "schema_version: 2", 1), "written for a newer doctor"),
    "unknown keys": Refusal(yaml_of(NEWEST) + "colour: red\nsize: 3\n", "colour: unknown key"),
    "wrong types": Refusal(yaml_of(NEWEST).replace("severity: error", "severity: [1, {a: b}]"), "no matrix that this doctor can read; and "),
    "no yaml": Refusal("a: [1,\n", "no matrix that this doctor can read"),
    "another thing": Refusal(b"\x89PNG\r\n\x1a\n\xff\xfe", "not UTF-8 text"),
    "nothing": Refusal("", "expected a mapping"),
    "an alias bomb": Refusal("a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60)), "aliases"),
    "very deep": Refusal("a: " + "[" * 50, "nested deeper than 32 levels"),
    "steers the terminal": Refusal(yaml_of(NEWEST, TEXT.replace("version:", 'colour: "\\e]0;x\\a\\e[2J"\nversion:', 1)), "control character"),
    "a slow pattern": Refusal(yaml_of(NEWEST) + "\n  - name: x\n", "no matrix that this doctor can read"),
    "larger than any": Refusal(b"# " + b"x" * (9 * 1024 * 1024), "more than 8192 KiB"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_said_in_a_line_and_the_old_is_kept(
    doctor: Doctor, home: Path, kept_of_newer: Callable[[Path], bytes], tmp_path: Path, name: str
) -> None:
    kept = kept_of_newer(home)
    hostile = put(tmp_path / "hostile.yaml", REFUSED[name].content)
    line = refused(doctor("matrix", "update", hostile))
    assert REFUSED[name].says in line
    assert str(hostile) in line
    assert [each.name for each in home.iterdir()] == [KEPT]
    assert (home / KEPT).read_bytes() == kept


def test_what_was_changed_after_it_was_published_is_refused(doctor: Doctor, home: Path, newer: Path) -> None:
    newer.write_bytes(newer.read_bytes().replace(b"to_empty", b"to_fully"))
    assert "its checksum is" in refused(doctor("matrix", "update", newer))
    assert not home.exists()


def test_without_a_checksum_nothing_is_taken_and_one_on_the_command_line_outweighs_the_file(doctor: Doctor, home: Path, newer: Path) -> None:
    beside = newer.with_name("compat.yaml.sha256")
    beside.write_text("\x1b[2J is no checksum\n")
    assert "is no SHA-256 checksum" in refused(doctor("matrix", "update", newer))
    beside.unlink()
    line = refused(doctor("matrix", "update", newer))
    assert line.endswith("is not taken without its checksum: that file, or --sha256")
    assert "--sha256: is no SHA-256" in refused(doctor("matrix", "update", newer, "--sha256", "abc"))
    assert "its checksum is" in refused(doctor("matrix", "update", newer, "--sha256", "0" * 64))
    digits = hashlib.sha256(newer.read_bytes()).hexdigest().upper()
    assert doctor("matrix", "update", newer, "--sha256", digits).code == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "name a FILE or URL"),
        (["compat.yaml", "--remove"], "name a FILE or URL"),
        (["--remove", "--sha256", "0"], "--remove takes nothing"),
        (["none.yaml"], "none.yaml.sha256: cannot be read: No such file"),
        (["."], "cannot be read"),
        (["http://example.org/compat.yaml"], "only https addresses are fetched"),
        (["file:///etc/passwd"], "only https addresses are fetched"),
        (["https://ada:swordfish1@example.org/compat.yaml"], "a user or password"),
        (["https:///compat.yaml"], "has no host"),
        (["https://[::1/compat.yaml"], "the address is none"),
        (["https://example.org/a b\x1b[2J"], "percent-encoded"),
    ],
)
def test_what_cannot_be_meant_is_said(doctor: Doctor, home: Path, arguments: list[str], says: str) -> None:
    line = refused(doctor("matrix", "update", *arguments))
    assert says in line
    assert "swordfish1" not in line


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_waited_for(doctor: Doctor, home: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    assert "named pipe" in refused(doctor("matrix", "update", tmp_path / "pipe.yaml", "--sha256", "0" * 64, seconds=30))


# From a server


class Server(NamedTuple):
    """An https server on this machine, and what it answers, by path."""

    address: str
    answers: dict[str, Callable[[BaseHTTPRequestHandler], None]]
    asked: list[str]
    certificate: Path


def body(content: bytes, length: int | None = None) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content) if length is None else length))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def redirect(target: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", target)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def endless(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    with contextlib.suppress(OSError):
        while True:
            handler.wfile.write(b"x" * 65536)


def dripping(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    with contextlib.suppress(OSError):
        for _ in range(100):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.1)


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl, to make a certificate")
    folder = tmp_path_factory.mktemp("certificate")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command, *names], check=True, capture_output=True)
    return key, certificate


@pytest.fixture
def server(certified: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    key, certificate = certified
    answers: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {}
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            answer = answers.get(self.path.partition("?")[0])
            if answer is not None:
                answer(self)
            else:
                self.send_error(404)

        def log_message(self, *_: Any) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.daemon_threads = True
        running.socket = context.wrap_socket(running.socket, server_side=True)
        threading.Thread(target=running.serve_forever, daemon=True).start()
        for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        yield Server(f"https://127.0.0.1:{running.server_port}", answers, asked, certificate)
        running.shutdown()


def test_a_matrix_is_fetched_from_the_address_that_was_typed(doctor: Doctor, home: Path, newer: Path, server: Server) -> None:
    checksum = newer.with_name("compat.yaml.sha256").read_bytes()
    server.answers.update({"/new/compat.yaml": body(newer.read_bytes()), "/new/compat.yaml.sha256": body(checksum)})
    server.answers["/latest/compat.yaml"] = redirect(f"{server.address}/new/compat.yaml")
    ran = doctor("matrix", "update", f"{server.address}/new/compat.yaml?key=secret-1", "--format", "json")
    assert ran.code == 0
    assert ran.json["matrix"]["source"] == f"updated from {server.address}/new/compat.yaml"
    assert server.asked == ["/new/compat.yaml.sha256?key=secret-1", "/new/compat.yaml?key=secret-1"]
    assert b"secret-1" not in (home / KEPT).read_bytes()
    assert doctor("matrix", "update", "--remove").code == 0
    del server.asked[:]
    digits = checksum.decode().split()[0]
    assert doctor("matrix", "update", f"{server.address}/latest/compat.yaml", "--sha256", digits).code == 0
    assert server.asked == ["/latest/compat.yaml", "/new/compat.yaml"]
    assert doctor("--version", variables={"SSL_CERT_FILE": os.devnull}).code == 0
    assert len(server.asked) == 2  # and from then on nothing is fetched


def test_what_a_server_does_instead_is_refused_in_a_line(doctor: Doctor, home: Path, newer: Path, server: Server) -> None:
    content, zeros = newer.read_bytes(), "0" * 64
    server.answers.update(
        {
            "/down": redirect("http://127.0.0.1:1/compat.yaml"),
            "/file": redirect("file:///etc/passwd"),
            "/round": redirect("/round"),
            "/cut": body(content[:1000], len(content)),
            "/endless": endless,
            "/other": body(b"<html>log in first</html>"),
            "/lone": body(content),
        }
    )
    for path, says in {
        "/down": "redirects to http://",
        "/file": "Redirection to url 'file:///etc/passwd' is not allowed",
        "/round": "302",
        "/cut": "1000",
        "/endless": "more than 8 MiB",
        "/other": "its checksum is",
        "/none": "404",
    }.items():
        assert says in refused(doctor("matrix", "update", server.address + path, "--sha256", zeros)), path
    assert "is not taken without its checksum" in refused(doctor("matrix", "update", f"{server.address}/lone"))
    distrusted = doctor("matrix", "update", f"{server.address}/lone", variables={"SSL_CERT_FILE": os.devnull})
    assert "CERTIFICATE_VERIFY_FAILED" in refused(distrusted)
    assert not home.exists()


def test_a_server_that_drips_is_not_waited_for(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.answers["/drip"] = dripping
    monkeypatch.setattr(published, "SECONDS", 0.5)
    began = time.monotonic()
    with pytest.raises(DoctorError, match="did not arrive within"):
        published.read_published(f"{server.address}/drip", "0" * 64, 1000)
    assert time.monotonic() - began < 5


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_ctrl_c_ends_a_fetch_at_once(home: Path, server: Server) -> None:
    server.answers["/drip"] = dripping
    command = [sys.executable, "-m", "doctor", "matrix", "update", f"{server.address}/drip", "--sha256", "0" * 64]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while not server.asked:
        assert running.poll() is None
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=5)
    assert (running.returncode, said) == (130, "doctor: interrupted\n")
    assert not home.exists()


# What is kept


def keep(version: str, text: str = TEXT, source: str = "somewhere") -> None:
    yaml = yaml_of(version, text).encode()
    updates.keep(parse_matrix(yaml, "m.yaml"), yaml, source, hashlib.sha256(yaml).hexdigest())


def test_a_doctor_newer_than_the_updated_matrix_goes_by_its_own(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(OLDER)
    monkeypatch.setattr(updates, "__version__", "9.0.0")
    assert (load_matrix().version, load_matrix().source, load_matrix().unused) == (BUILT_IN, "built in", None)


def test_another_doctor_compiles_the_updated_matrix_anew_and_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(NEWER)
    monkeypatch.setattr(updates, "__version__", "0.0.9")
    assert (load_matrix().version, load_matrix().source) == (NEWER, "updated from somewhere")
    monkeypatch.setattr(updates, "parse_matrix", None)
    assert load_matrix().version == NEWER


def test_where_it_cannot_be_written_anew_it_is_used_as_it_is(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: bytes) -> None:
        raise DoctorError("a full disk")

    keep(NEWER)
    monkeypatch.setattr(updates, "__version__", "0.0.9")
    monkeypatch.setattr(updates, "_write", refuse)
    assert load_matrix().version == NEWER


def test_an_update_that_another_doctor_cannot_read_is_told_and_passed_over(doctor: Doctor, home: Path) -> None:
    keep(NEWER)
    kept = home / KEPT
    first, head, rest = kept.read_bytes().split(b"\n", 2)
    about = json.loads(head)
    rest = rest[: about["compiled_bytes"] + 1] + b"colour: red\n"
    content = json.dumps({**about, "compiled_by": ["0.0.9"]}).encode() + b"\n" + rest
    kept.write_bytes(updates._FORMAT + str(zlib.crc32(content)).encode() + b"\n" + content)
    ran = doctor("matrix", "list", "--format", "json")
    assert (ran.code, ran.json["matrix"]["version"]) == (0, BUILT_IN)
    assert "this doctor cannot read" in ran.err
    assert "doctor matrix update --remove" in ran.err
    assert first.startswith(updates._FORMAT)


@pytest.mark.parametrize("damage", ["cut short", "a bit", "a folder", "empty"])
def test_a_damaged_update_is_told_and_passed_over(doctor: Doctor, home: Path, damage: str) -> None:
    keep(NEWER)
    kept = home / KEPT
    content = kept.read_bytes()
    if damage == "a folder":
        kept.unlink()
        kept.mkdir()
    else:
        middle = len(content) // 2
        flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        kept.write_bytes({"cut short": content[:middle], "a bit": flipped, "empty": b""}[damage])
    ran = doctor("--version")
    assert (ran.code, ran.out.rpartition("matrix ")[2]) == (0, f"{BUILT_IN} (built in)\n")
    (line,) = ran.err.splitlines()
    assert str(kept) in line
    assert "doctor matrix update --remove" in line


def test_ctrl_c_leaves_the_old_and_nothing_beside_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    keep(NEWER)
    before = (home / KEPT).read_bytes()
    monkeypatch.setattr("os.fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        keep(NEWEST)
    assert [each.name for each in home.iterdir()] == [KEPT]
    assert (home / KEPT).read_bytes() == before


def test_whoever_looks_while_it_is_replaced_sees_one_of_them_whole(home: Path) -> None:
    small = 'schema_version: 1\nversion: "{}"\npackages: {{}}\nadvisories: []\n'
    days = [f"2099.02.{day:02}" for day in range(1, 29)]
    seen: list[str] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            matrix = load_matrix()
            seen.append(matrix.version if matrix.unused is None else matrix.unused)
            assert len(matrix.advisories) in (0, len(builtin_matrix().advisories))

    watchers = [threading.Thread(target=look) for _ in range(3)]
    for each in watchers:
        each.start()
    for day in days:
        yaml = small.format(day).encode()
        updates.keep(parse_matrix(yaml, "m.yaml"), yaml, "somewhere", day)
    done.set()
    for each in watchers:
        each.join()
    assert set(seen) <= {BUILT_IN, *days}
    assert len(set(seen)) > 3


def test_updates_and_checks_at_once(doctor: Doctor, home: Path, newer: Path, tmp_path: Path) -> None:
    newest = put(tmp_path / "newest.yaml", yaml_of(NEWEST))
    commands = [("matrix", "update", newer), ("matrix", "update", newest), ("--version",), ("matrix", "show", "MT080"), ("matrix", "update", newest)]
    ran: list[Ran] = []
    threads = [threading.Thread(target=lambda each=each: ran.append(doctor(*each))) for each in commands]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert {each.code for each in ran} <= {0, 2}
    assert all("older than the one in use" in each.err for each in ran if each.code == 2)
    assert NEWEST in doctor("--version").out
    assert [each.name for each in home.iterdir()] == [KEPT]


def test_the_folder_is_where_the_platform_keeps_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(updates.VARIABLE)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    if sys.platform == "linux":
        assert data_folder() == tmp_path / "xdg" / "meta-tensor-doctor"
        monkeypatch.setenv("XDG_DATA_HOME", "relative")
        assert data_folder() == tmp_path / ".local" / "share" / "meta-tensor-doctor"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert data_folder() == tmp_path / "Library" / "Application Support" / "meta-tensor-doctor"


def test_a_folder_that_cannot_be_written_to_is_named_with_the_remedy(doctor: Doctor, newer: Path) -> None:
    line = refused(doctor("matrix", "update", newer, variables={updates.VARIABLE: os.devnull}))
    assert "cannot be written" in line
    assert updates.VARIABLE in line


def test_versions_are_days() -> None:
    assert is_newer("2026.12.01", "2026.11.29")
    assert not is_newer("2026.11.29", "2026.11.29")
    assert not is_newer("mine", "2026.11.29")
    assert [day_of(each) for each in ("2026.13.01", "2026.1", "26.11.29", "2026.11.29+mine", "٢٠٢٦.11.29", "2026.11.29.1")] == [None] * 6


def test_a_release_that_only_the_update_knows_is_weighed(doctor: Doctor, home: Path, old_stack: Path, tmp_path: Path) -> None:
    coverage = re.search(r'  transformers: \{checked_up_to: "[^"]+"\}', TEXT)
    assert coverage is not None
    covered = '  transformers: {checked_up_to: "99.0.0", releases: {"98.0.0": null, "99.0.0": ">=3.8"}}'
    advisory = """\
  - id: MT999
    slug: only-in-the-update
    title: Fixed by what came out later
    kind: bug
    severity: error
    affected: [{package: transformers, ranges: [{introduced: null, fixed: "98.0.0"}]}]
    trigger: anything
    apis: [x]
    signature: null
    cause: anything
    workaround: null
    references: ["https://example.org/"]
    evidence: {level: reported, basis: made up for this test}
"""
    text = TEXT.replace(coverage[0], covered, 1).replace("\nadvisories:\n", f"\nadvisories:\n{advisory}", 1)
    later = put(tmp_path / "later.yaml", yaml_of(NEWER, text))
    assert doctor("matrix", "update", later).code == 0
    report = doctor("check", "--no-live", "--strict", "--id", "MT999", "--format", "json", "--python", old_stack).json
    weighed = [each for each in report["upgrade"]["alternatives"] if each["package"] == "transformers"]
    assert [(each["version"], each["newest"], each["clears"]) for each in weighed] == [("99.0.0", True, ["MT999"])]


def test_the_site_is_built_of_the_updated_matrix(home: Path) -> None:
    assert updates.own_yaml() == builtin_file().read_bytes()
    keep(NEWER)
    assert updates.own_yaml() == yaml_of(NEWER).encode()
    with zipfile.ZipFile(io.BytesIO(archive())) as packed:
        assert packed.read("doctor/data/compat.yaml") == yaml_of(NEWER).encode()
        assert NEWER.encode() in packed.read("doctor/compiled/compat.json")
