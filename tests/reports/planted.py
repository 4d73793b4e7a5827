"""Invented private values of every kind that docs/privacy.md promises to mask, each as it stands in real texts, made anew from a seed.

`planted_texts/tokens.txt` holds what gives itself away wherever it stands, `told.txt` what stands around a value and gives it away. What must not
be found in any output stands between « and »; `{mixed:34}` and the like are made by `MAKERS`.
"""

from __future__ import annotations

import base64
import json
import random
import re
import string
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_ALNUM = string.ascii_letters + string.digits
_FOLDER = Path(__file__).with_name("planted_texts")
_Maker = Callable[[random.Random, int], str]


@dataclass(frozen=True)
class Secret:
    kind: str
    text: str
    """A text that gives it away."""
    needle: str
    """What must not be found in any output."""


# What the values look like


def _of(letters: str) -> _Maker:
    return lambda r, length: "".join(r.choice(letters) for _ in range(length))


def _mixed(letters: str) -> _Maker:
    """Letters of both cases and digits, some of each."""

    def make(r: random.Random, length: int) -> str:
        ending = "".join(map(r.choice, (string.ascii_lowercase, string.ascii_uppercase, string.digits)))
        return "".join(r.choice(letters) for _ in range(length - 3)) + ending

    return make


def _word(r: random.Random, _: int = 0) -> str:
    """A word that nobody knows."""
    return "".join(r.choice("bdfgklmnprstvz") + r.choice("aeiou") for _ in range(4))


def _name(r: random.Random, _: int = 0) -> str:
    return f"{_word(r)[:6]}{r.randint(10, 99)}"


def _ip(r: random.Random, _: int) -> str:
    return f"{r.choice([10, 52, 172, 192])}.{r.randint(100, 254)}.{r.randint(100, 254)}.{r.randint(1, 254)}"


def _private_ip(r: random.Random, _: int) -> str:
    return f"{r.choice(['10.20', '172.20', '192.168'])}.{r.randint(1, 254)}.{r.randint(1, 254)}"


_hex = _of("0123456789abcdef")

MAKERS: Mapping[str, _Maker] = {
    "mixed": _mixed(_ALNUM),
    "blob": _mixed(_ALNUM + "/+"),
    "hex": _hex,
    "digits": _of(string.digits),
    "upper": _of(string.ascii_uppercase + string.digits),
    "word": _word,
    "Word": lambda r, _: _word(r).title(),
    "WORD": lambda r, _: _word(r).upper(),
    "name": _name,
    "password": lambda r, _: f"{_word(r).title()}{r.randint(1000, 9999)}!",
    "product-key": lambda r, _: "-".join(f"{r.choice(string.ascii_uppercase)}{r.randint(1000, 9999)}" for _ in range(5)),
    "base64": lambda r, _: base64.b64encode(f"{_name(r)}:{_mixed(_ALNUM)(r, 14)}".encode()).decode(),
    "uuid": lambda r, _: "-".join(_hex(r, length) for length in (8, 4, 4, 4, 12)),
    "node": lambda r, _: f"{r.choice(['gpu', 'cn', 'node', 'dgx', 'nid'])}{r.choice(['', '-', '-a100-'])}{r.randint(10, 9999):04}",
    "ip": _ip,
    "private-ip": _private_ip,
    "ip6": lambda r, _: f"2001:db8:{_hex(r, 4)}:{_hex(r, 4)}::1{_hex(r, 3)}",
    "mac": lambda r, _: ":".join(_hex(r, 2) for _ in range(6)),
}


def _made(template: str, r: random.Random) -> tuple[str, str]:
    """The text, and what must not be found."""
    text = re.sub(
        r"\{([A-Za-z0-9-]+?)(?::(\d+))?\}", lambda match: MAKERS[match[1]](r, int(match[2] or 0)) if match[1] in MAKERS else match[0], template
    )
    needle = re.search("«(.*?)»", text, re.DOTALL)
    assert needle, template
    return text.replace("«", "").replace("»", ""), needle[1]


# How they stand in texts

_TOKEN_TEXTS = (
    "the request with § was refused", "§", "x=§", "x: §", '{"x": "§"}', "f('§')", "export X=§", "[§]", "§, then", "(§)", "<§>", "x?a=§", "`§`",
    "it was §.",
)  # fmt: skip


def lines(name: str) -> list[str]:
    r"""The texts of one file, one a line, in which `\n` stands for a line's end."""
    raw = (_FOLDER / name).read_text("utf-8").splitlines()
    return [re.sub(r"\\([nt\\])", lambda match: {"n": "\n", "t": "\t"}.get(match[1], "\\"), line) for line in raw if line]


@cache
def templates() -> Mapping[str, tuple[str, ...]]:
    """By kind, the texts that give it away."""
    found = {}
    for line in lines("tokens.txt"):
        kind, _, token = line.partition(": ")
        found[kind] = tuple(text.replace("§", f"«{token}»") for text in _TOKEN_TEXTS)
    for line in lines("told.txt"):
        if line.startswith("[") and line.endswith("]") and "«" not in line:
            found[kind := line[1:-1]] = ()
        else:
            found[kind] += (line,)
    return found


def _in_a_traceback(text: str) -> str:
    return f'Traceback (most recent call last):\n  File "t.py", line 3, in main\n    raise RuntimeError(text)\nRuntimeError: {text}\n'


def _in_source(text: str) -> str:
    return f'Traceback (most recent call last):\n  File "t.py", line 3, in main\n    {text}\nRuntimeError: x\n'


CONTEXTS: Mapping[str, Callable[[str], str]] = {
    "alone": str,
    "on a line of its own": lambda text: f"before\n{text}\nafter",
    "as what a traceback ends with": _in_a_traceback,
    "as a line of source in a traceback": _in_source,
    "in JSON": lambda text: json.dumps({"level": "error", "message": f"first line\n{text}\nlast line"}),
    "in JSON in JSON": lambda text: json.dumps({"log": json.dumps({"message": text})}),
    "as Python shows it": lambda text: repr([f"x\n{text}"]),
    "quoted": lambda text: f"it said '{text}'",
    "after =": lambda text: f"message={text}",
    "after :": lambda text: f"message: {text}",
    "in a log": lambda text: f"2026-06-12 10:00:00,123 INFO x.py:12 {text}",
    "by rank": lambda text: "\n".join(f"[rank0]: {line}" for line in text.split("\n")),
    "cited": lambda text: "\n".join(f"> {line}" for line in text.split("\n")),
    "with other line ends": lambda text: f"before\r\n{text}\r\nafter\r\n",
    "coloured": lambda text: f"\x1b[31m{text}\x1b[0m",
    "in a list": lambda text: f"- {text}\n- other",
}
"""Where a text may stand."""


@cache
def planted(seed: int = 0) -> list[Secret]:
    """One secret of each way of each kind."""
    r = random.Random(seed)
    return [Secret(kind, *_made(template, r)) for kind, ways in templates().items() for template in ways]


def in_contexts(seed: int, names: Collection[str]) -> Iterator[tuple[str, Secret]]:
    """Every secret in these contexts, with the context's name."""
    for secret in planted(seed):
        for name in names:
            yield name, Secret(secret.kind, CONTEXTS[name](secret.text), secret.needle)
