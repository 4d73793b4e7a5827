"""Whether bytes are text at all."""

from __future__ import annotations

import codecs

_KNOWN = {
    b"\x1f\x8b": "gzip: unpack it first",
    b"PK\x03\x04": "a zip archive: unpack it first",
    b"BZh": "bzip2: unpack it first",
    b"\xfd7zXZ": "xz: unpack it first",
    b"\x28\xb5\x2f\xfd": "zstd: unpack it first",
    b"%PDF-": "PDF: copy its text",
    b"\x89PNG": "an image: type or copy its text",
    b"\xff\xd8\xff": "an image: type or copy its text",
    b"GIF8": "an image: type or copy its text",
    b"RIFF": "an image or a recording",
    b"\x7fELF": "a program",
    b"\x80\x02": "a pickle",
    b"\x80\x04": "a pickle",
    b"GGUF": "a model's weights",
}
_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SAMPLE_BYTES = 64 * 1024
_MOST_CONTROL = 0.05
"""Of the bytes of a text, so many may be control characters: a log holds a stray one, of binary data every tenth is."""
_CONTROL = bytes(set(range(32)) - set(b"\a\b\t\n\v\f\r\x1b")) + b"\x7f"


def why_no_text(start: bytes) -> str | None:
    """What bytes are that are no text, judged by how they begin; None when they may be text."""
    for magic, what in _KNOWN.items():
        if start.startswith(magic):
            return what
    if start.startswith(_MARKS):
        return None
    sample = start[:_SAMPLE_BYTES]
    control = len(sample) - len(sample.translate(None, _CONTROL))
    return "binary data" if control > _MOST_CONTROL * len(sample) else None
