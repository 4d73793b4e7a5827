"""Headers of a model on a hub: a server on this machine that gives parts of files, and sends on to where they lie."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from doctor.errors import DoctorError
from doctor.models.online import read_online
from tests.models.test_inventory import entry, safetensors

TENSORS = {f"model.layers.{number}.weight": entry("BF16", [8], number * 16, (number + 1) * 16) for number in range(6000)}
ONE = safetensors(TENSORS, 6000 * 16)
"""Its header is longer than what is asked for first."""


class Hub:
    """What it holds, and what it was asked."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.seen: list[tuple[str, str | None]] = []
        self.sent = 0
        self.address = ""


@pytest.fixture
def hub() -> Iterator[Hub]:
    held = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            held.seen.append((self.path, self.headers.get("Authorization")))
            name = self.path.rpartition("/")[2]
            if name not in held.files:
                self.send_error(403 if name == "secret.json" else 404)
            elif self.path.startswith("/org/"):
                self.send_response(302)
                self.send_header("Location", f"{held.address}/elsewhere/{name}")
                self.end_headers()
            else:
                content = held.files[name]
                first, _, last = self.headers["Range"].removeprefix("bytes=").partition("-")
                part = content[int(first) : int(last) + 1]
                held.sent += len(part)
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {first}-{int(first) + len(part) - 1}/{len(content)}")
                self.send_header("Content-Length", str(len(part)))
                self.end_headers()
                self.wfile.write(part)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        held.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield held
        server.shutdown()
        thread.join()


def test_one_file(hub: Hub, tmp_path: Path) -> None:
    hub.files = {"config.json": b'{"model_type": "llama"}', "model.safetensors": ONE}
    found = read_online("org/name", {"HF_ENDPOINT": hub.address, "HF_TOKEN": "hf_secret", "HF_HOME": str(tmp_path)})
    assert (found.folder, found.format, found.bytes, found.config) == (None, "safetensors", 96000, {"model_type": "llama"})
    assert hub.sent < len(ONE) + 1000
    assert {token for path, token in hub.seen if path.startswith("/org/")} == {"Bearer hf_secret"}
    assert {token for path, token in hub.seen if path.startswith("/elsewhere/")} == {None}


def test_several_files(hub: Hub, tmp_path: Path) -> None:
    index = {"weight_map": dict.fromkeys(TENSORS, "one.safetensors")}
    hub.files = {"config.json": b"{}", "model.safetensors.index.json": json.dumps(index).encode(), "one.safetensors": ONE}
    variables = {"HF_ENDPOINT": hub.address, "HF_HOME": str(tmp_path)}
    assert read_online("org/name", variables).bytes == 96000
    hub.files["one.safetensors"] = ONE[:-1]
    with pytest.raises(DoctorError, match="cut short"):
        read_online("org/name", variables)
    del hub.files["one.safetensors"]
    with pytest.raises(DoctorError, match=r"one\.safetensors is not there"):
        read_online("org/name", variables)
    hub.files["model.safetensors.index.json"] = json.dumps({"weight_map": {"a": "../../x"}}).encode()
    with pytest.raises(DoctorError, match=r"names '\.\./\.\./x'"):
        read_online("org/name", variables)


def test_no_such_model_and_no_hub(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(DoctorError, match="there is no such model on the hub"):
        read_online("org/name", {"HF_ENDPOINT": hub.address, "HF_HOME": str(tmp_path)})
    with pytest.raises(DoctorError, match="cannot be read"):
        read_online("org/name", {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path)})
    with pytest.raises(DoctorError, match="is no address of a hub"):
        read_online("org/name", {"HF_ENDPOINT": "file:///etc", "HF_HOME": str(tmp_path)})
