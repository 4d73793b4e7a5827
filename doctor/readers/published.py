"""A file that somebody published with its checksum: from this machine, or from an https address that the user typed."""

from __future__ import annotations

import re
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit

from doctor.errors import DoctorError
from doctor.facts.sizes import size
from doctor.files import read_file

SECONDS = 60.0
"""How long one file may take to arrive, whatever the server does meanwhile."""
_SILENT_SECONDS = 20.0
_CHUNK = 64 * 1024
_MOST_CHECKSUM_BYTES = 4096
_CHECKSUM = re.compile(r"([0-9a-fA-F]{64})(?:[ \t][^\r\n]{0,4000})?")
"""A line as `sha256sum` writes it, or the digits alone."""
_ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]{0,30}://")


class Published(NamedTuple):
    """What was published."""

    content: bytes
    """Has the checksum."""
    sha256: str
    """In hexadecimal digits, small letters."""
    place: str
    """Where it was: an address without what may be private in one (user, password, query), or the path of a file."""


def read_published(place: str, sha256: str | None, most: int) -> Published:
    """The file of at most `most` bytes at a path or https address, when it has the checksum (SHA-256).

    The checksum is `sha256`, or else (None) what the file of the same name with `.sha256` behind it holds. Raises `DoctorError` when either
    cannot be had, is too large or takes too long, and when the checksum is another.
    """
    wanted = _checksum(sha256, "--sha256") if sha256 is not None else None
    remote = _ADDRESS.match(place) is not None
    if remote:
        _refuse_address(place)
    shown = urlunsplit((*urlsplit(place)[:3], "", "")) if remote else place
    if wanted is None:
        beside = _beside(place) if remote else f"{place}.sha256"
        missing = f"; {shown} is not taken without its checksum: that file, or --sha256"
        wanted = _checksum(_read(beside, _MOST_CHECKSUM_BYTES, missing).decode("ascii", "replace"), f"{shown}.sha256")
    content = _read(place, most, "")
    import hashlib

    found = hashlib.sha256(content).hexdigest()
    if found != wanted:
        raise DoctorError(f"{shown}: its checksum is {found[:16]}..., and {wanted[:16]}... is expected: damaged, changed, or not what was meant")
    return Published(content, found, shown if remote else str(Path(place).absolute()))


def _checksum(text: str, name: str) -> str:
    found = _CHECKSUM.fullmatch(text.strip())
    if found is None:
        raise DoctorError(f"{name}: is no SHA-256 checksum of 64 hexadecimal digits")
    return found[1].lower()


def _refuse_address(address: str) -> None:
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise DoctorError("the address is none") from None
    if parts.scheme.lower() != "https":
        raise DoctorError(f"{parts.scheme}://{host}: only https addresses are fetched, or name a file")
    if not host or parts.username is not None or parts.password is not None:
        raise DoctorError("the address has no host, or a user or password in it, which are not sent: fetch the file yourself and name that")
    if not address.isascii() or not address.isprintable() or " " in address:
        raise DoctorError("the address holds characters that have to be percent-encoded in one")


def _beside(address: str) -> str:
    parts = urlsplit(address)
    return urlunsplit((parts.scheme, parts.netloc, f"{parts.path}.sha256", parts.query, ""))


def _read(place: str, most: int, missing: str) -> bytes:
    if _ADDRESS.match(place) is not None:
        return _fetched(place, most, missing)
    try:
        return read_file(Path(place), most)
    except FileNotFoundError as error:
        raise DoctorError(f"{place}: cannot be read: {error.strerror}{missing}") from None
    except OSError as error:
        raise DoctorError(f"{place}: cannot be read: {error.strerror}") from None


class _HttpsOnly(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments: Any) -> urllib.request.Request | None:
        """Follow only to where a typed address may lead as well."""
        *_, target = arguments
        if urlsplit(target).scheme.lower() != "https":
            raise DoctorError(f"the server redirects to {urlsplit(target).scheme}://, and only https addresses are fetched")
        return super().redirect_request(*arguments)


def _fetched(address: str, most: int, missing: str) -> bytes:
    """The body, by a thread that is left behind when the time is up: a server that drips may keep it waiting in the system."""
    shown = urlunsplit((*urlsplit(address)[:3], "", ""))
    ended: list[bytes | Exception] = []

    def fetch() -> None:
        try:
            ended.append(_body(address, most))
        except Exception as error:
            ended.append(error)

    worker = threading.Thread(target=fetch, daemon=True)
    worker.start()
    worker.join(SECONDS)
    if not ended:
        raise DoctorError(f"{shown}: did not arrive within {SECONDS:.0f} seconds")
    answer = ended[0]
    if isinstance(answer, bytes):
        return answer
    if isinstance(answer, urllib.error.HTTPError):
        raise DoctorError(f"{shown}: cannot be fetched: {answer.code} {answer.reason}{missing if answer.code == 404 else ''}")
    raise DoctorError(f"{shown}: cannot be fetched: {getattr(answer, 'reason', answer)}")


def _body(address: str, most: int) -> bytes:
    opener = urllib.request.build_opener(_HttpsOnly)
    request = urllib.request.Request(address, headers={"User-Agent": "meta-tensor-doctor", "Accept-Encoding": "identity"})
    with opener.open(request, timeout=_SILENT_SECONDS) as answer:
        parts, arrived = [], 0
        while chunk := answer.read(_CHUNK):
            arrived += len(chunk)
            if arrived > most:
                raise DoctorError(f"more than {size(most)}")
            parts.append(chunk)
        expected = answer.headers.get("Content-Length")
        if expected is not None and expected.isdecimal() and int(expected) != arrived:
            raise DoctorError(f"only {arrived} of {expected} bytes arrived")
        return b"".join(parts)
