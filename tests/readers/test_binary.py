from __future__ import annotations

import gzip

import pytest

from doctor.readers.binary import why_no_text

TEXT = "Traceback (most recent call last):\n  \u62a5\u9519\n"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        TEXT.encode(),
        TEXT.encode("utf-16"),
        b"\xef\xbb\xbf" + TEXT.encode(),
        b"\x1b[31mred\x1b[0m\r\n\tx\x08\n" * 9,
        b"a\x00b" + TEXT.encode() * 9,
        ("x" * 65535 + "\u62a5").encode(),
        "Erreur : échec à l'entrée\n".encode("latin-1"),
        "\u53c2\u6570\u5728 meta \u8bbe\u5907\u4e0a, \u62a5\u9519\n".encode("gbk"),
    ],
    ids=["nothing", "utf-8", "utf-16", "byte order mark", "colours", "a stray zero", "cut in a letter", "latin-1", "gbk"],
)
def test_text_is_text(content: bytes) -> None:
    assert why_no_text(content[: 64 * 1024]) is None


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (gzip.compress(b"x", mtime=0), "gzip"),
        (b"PK\x03\x04", "zip"),
        (b"%PDF-1.4", "PDF"),
        (b"\x89PNG\r\n", "image"),
        (b"\x80\x04\x95", "pickle"),
        (b"\x00\xff" * 50, "binary data"),
        (bytes(range(256)) * 4, "binary data"),
        (TEXT.encode("utf-16-le"), "binary data"),
    ],
)
def test_what_is_no_text_is_named(content: bytes, what: str) -> None:
    why = why_no_text(content)
    assert why is not None and what in why
