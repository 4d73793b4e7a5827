"""A model that is on the hub only: its configuration and the headers of its files, by range requests. No weight is fetched."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from doctor.errors import DoctorError
from doctor.facts.model import Checkpoint, StoredFile, StoredTensor
from doctor.files import read_beginning
from doctor.models.inventory import as_indexed, weight_map_in
from doctor.models.json_files import MOST_BYTES, parsed_object
from doctor.models.locate import hub_home
from doctor.models.safetensors import header_length, tensors_in

_SECONDS = 30.0
_FIRST = 256 * 1024
"""So much of a safetensors file is asked for first; most headers are shorter."""


class _Hub:
    """The files of one model."""

    def __init__(self, hub_id: str, variables: Mapping[str, str]) -> None:
        endpoint = (variables.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")
        if urlsplit(endpoint).scheme not in ("http", "https"):
            raise DoctorError(f"HF_ENDPOINT={endpoint}: is no address of a hub")
        self._base = f"{endpoint}/{hub_id}/resolve/main"
        self._token = _token(variables)
        self._opener = urllib.request.build_opener(_WithoutToken)

    def read(self, name: str, first: int, count: int) -> tuple[bytes, int] | None:
        """`count` bytes of a file from `first` on, and how long it is; None where there is no such file."""
        address = f"{self._base}/{quote(name)}"
        request = urllib.request.Request(address, headers={"Range": f"bytes={first}-{first + count - 1}", "User-Agent": "meta-tensor-doctor"})
        if self._token:
            request.add_unredirected_header("Authorization", f"Bearer {self._token}")
        try:
            with self._opener.open(request, timeout=_SECONDS) as answer:
                content = answer.read(count + 1)
                whole = answer.headers.get("Content-Range", "").rpartition("/")[2]
                if answer.status != 206 and first:
                    raise DoctorError(f"{address}: the server does not give parts of files")
                size = int(whole) if whole.isdecimal() else int(answer.headers.get("Content-Length") or len(content))
                return content[:count], size
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            why = "a model that needs a token with access (HF_TOKEN)" if error.code in (401, 403) else f"{error.code} {error.reason}"
            raise DoctorError(f"{address}: cannot be read: {why}") from None
        except (OSError, ValueError) as error:
            raise DoctorError(f"{address}: cannot be read: {getattr(error, 'reason', error)}") from None

    def object(self, name: str) -> Mapping[str, Any] | None:
        """A JSON object; None where there is no such file."""
        found = self.read(name, 0, MOST_BYTES)
        return parsed_object(f"{self._base}/{name}", found[0]) if found is not None else None

    def tensors(self, name: str) -> tuple[tuple[StoredTensor, ...], int] | None:
        """What a safetensors file holds, and how long it is; None where there is no such file."""
        path = f"{self._base}/{name}"
        found = self.read(name, 0, _FIRST)
        if found is None:
            return None
        content, size = found
        length = header_length(path, content)
        if 8 + length > len(content):
            more = self.read(name, len(content), 8 + length - len(content))
            content += more[0] if more is not None else b""
        return tensors_in(path, name, content[8 : 8 + length], length, size), size


class _WithoutToken(urllib.request.HTTPRedirectHandler):
    """Follows redirects to where files lie; what was not to be redirected (the token) is left behind by `Request` itself."""


def read_online(hub_id: str, variables: Mapping[str, str]) -> Checkpoint:
    """The inventory of a model on the hub. Raises `DoctorError` when there is none, it cannot be read, or a header is false."""
    hub = _Hub(hub_id, variables)
    config = hub.object("config.json")
    if config is None:
        raise DoctorError(f"{hub_id}: there is no such model on the hub, or it has no config.json")
    one = hub.tensors("model.safetensors")
    if one is not None:
        tensors, size = one
        return Checkpoint(hub_id, None, "safetensors", config, (StoredFile("model.safetensors", size),), tensors, _names(tensors))
    index = "model.safetensors.index.json"
    content = hub.object(index)
    if content is None:
        return Checkpoint(hub_id, None, "none", config)
    weight_map = weight_map_in(f"{hub_id}/{index}", content)
    files: list[StoredFile] = []
    found: list[StoredTensor] = []
    for name in sorted(set(weight_map.values())):
        held = hub.tensors(name)
        if held is None:
            raise DoctorError(f"{hub_id}/{index}: {name} is not there")
        found += held[0]
        files.append(StoredFile(name, held[1]))
    tensors = as_indexed(f"{hub_id}/{index}", weight_map, tuple(found))
    return Checkpoint(hub_id, None, "safetensors", config, tuple(files), tensors, _names(tensors))


def _names(tensors: tuple[StoredTensor, ...]) -> tuple[str, ...]:
    return tuple(each.name for each in tensors)


def _token(variables: Mapping[str, str]) -> str | None:
    """The user's own token, as huggingface_hub finds it."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        if variables.get(name):
            return variables[name].strip()
    file = variables.get("HF_TOKEN_PATH") or os.path.join(hub_home(variables), "token")
    try:
        from pathlib import Path

        return read_beginning(Path(file), 4096).decode("ascii", "replace").strip() or None
    except OSError:
        return None
