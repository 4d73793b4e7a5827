"""A package index of our own: small wheels with real names, served as PEP 503 says, that can be made to fail at any point."""

from __future__ import annotations

import base64
import hashlib
import io
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

from packaging.utils import canonicalize_name

TORCH_FILES = {
    "torch/__init__.py": (
        "from . import backends, cuda\nfrom .version import __version__\n"
        "def get_default_dtype():\n    return 'torch.float32'\ndef get_default_device():\n    return 'cpu'\n"
    ),
    "torch/cuda.py": "def is_available():\n    return False\n",
    "torch/backends.py": "class mps:\n    is_available = staticmethod(lambda: False)\n",
}


def wheel(name: str, version: str, requires: Sequence[str] = (), files: Mapping[str, str] | None = None) -> tuple[str, bytes]:
    """A wheel's file name and its bytes: a package of that name that says its version, and what else is given."""
    module = name.replace("-", "_")
    contents = {f"{module}/__init__.py": f"__version__ = {version!r}\n", f"{module}/core.py": f"VERSION = {version!r}\n"}
    if name == "torch":
        cuda = repr(f"{build[2:4]}.{build[4:]}" if (build := version.partition("+")[2]).startswith("cu") else None)
        contents = {**TORCH_FILES, "torch/version.py": f"__version__ = {version!r}\ncuda = {cuda}\nhip = None\n"}
    contents |= files or {}
    info = f"{module}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {each}\n" for each in requires)
    contents[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Python: >=3.8\n{needs}\n"
    contents[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    contents[f"{info}/entry_points.txt"] = f"[console_scripts]\n{module}-tool = {module}.core:main\n"
    record = "".join(f"{path},sha256={_digest(text.encode())},{len(text.encode())}\n" for path, text in contents.items())
    contents[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for path, text in contents.items():
            archive.writestr(path, text)
    return f"{module}-{version}-py3-none-any.whl", file.getvalue()


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


class Index:
    """What is served, and how it fails."""

    def __init__(self) -> None:
        self.wheels: dict[str, dict[str, bytes]] = {}
        self.fails: Callable[[str], bool] = lambda kind: False
        """Asked of each request, which is for `simple` pages or for `files`, whether it is answered with 500."""
        self.url = ""

    def add(self, name: str, *versions: str, requires: Sequence[str] = (), files: Mapping[str, str] | None = None) -> None:
        """Publish releases."""
        for version in versions:
            file, content = wheel(name, version, requires, files)
            self.wheels.setdefault(canonicalize_name(name), {})[file] = content

    def answer(self, path: str) -> tuple[int, bytes]:
        """What is answered to a request."""
        _, kind, *rest = unquote(path).split("/")
        if self.fails(kind):
            return 500, b"out of order"
        if kind == "simple" and rest and rest[0] in self.wheels:
            links = [
                f'<a href="/files/{rest[0]}/{file}#sha256={hashlib.sha256(content).hexdigest()}">{file}</a>'
                for file, content in self.wheels[rest[0]].items()
            ]
            return 200, f"<!DOCTYPE html><html><body>{'<br>'.join(links)}</body></html>".encode()
        if kind == "files" and (content := self.wheels.get(rest[0], {}).get(rest[1])) is not None:
            return 200, content
        return 404, b"not here"


@contextmanager
def served(index: Index) -> Iterator[Index]:
    """Serve an index on a port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, content = index.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", "text/html" if self.path.startswith("/simple") else "application/octet-stream")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        do_HEAD = do_GET  # noqa: N815 - as http.server has it

        def log_message(self, format: str, *arguments: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        index.url = f"http://127.0.0.1:{server.server_address[1]}/simple"
        thread = threading.Thread(target=server.serve_forever, args=[0.02], daemon=True)
        thread.start()
        try:
            yield index
        finally:
            server.shutdown()
            thread.join()
