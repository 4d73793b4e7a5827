"""Invented secrets of every kind that must never leave a machine, each as it stands in real texts, made anew from a seed."""

from __future__ import annotations

import base64
import random
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_ALNUM = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Secret:
    kind: str
    text: str
    """A text that gives it away."""
    needle: str
    """What must not be found in any output."""


def _mixed(r: random.Random, length: int, letters: str = _ALNUM) -> str:
    return (
        "".join(r.choice(letters) for _ in range(length - 3))
        + r.choice(string.ascii_lowercase)
        + r.choice(string.ascii_uppercase)
        + r.choice("0123456789")
    )


def _hex(r: random.Random, length: int) -> str:
    return "".join(r.choice("0123456789abcdef") for _ in range(length))


def _name(r: random.Random) -> str:
    return "".join(r.choice("bcdfghjklmnpqrstvwz") + r.choice("aeiou") for _ in range(3)) + str(r.randint(10, 99))


def _plain(prefix: str, length: int) -> Callable[[random.Random], tuple[str, str]]:
    def make(r: random.Random) -> tuple[str, str]:
        needle = prefix + _mixed(r, length)
        return f"the request with {needle} was refused", needle

    return make


def _in(template: str, make: Callable[[random.Random], str]) -> Callable[[random.Random], tuple[str, str]]:
    def both(r: random.Random) -> tuple[str, str]:
        needle = make(r)
        return template.replace("§", needle), needle

    return both


def _jwt(r: random.Random) -> tuple[str, str]:
    parts = [base64.urlsafe_b64encode(_mixed(r, length).encode()).decode().rstrip("=") for length in (18, 40, 32)]
    return f"token eyJ{'.'.join(parts)} expired", f"eyJ{'.'.join(parts)}"


def _key_block(r: random.Random) -> tuple[str, str]:
    body = _mixed(r, 64, _ALNUM + "+/")
    return f"-----BEGIN OPENSSH PRIVATE KEY-----\n{body}\n{_mixed(r, 40)}\n-----END OPENSSH PRIVATE KEY-----", body


def _ip(r: random.Random) -> str:
    return f"{r.choice([10, 52, 172, 192])}.{r.randint(1, 254)}.{r.randint(1, 254)}.{r.randint(1, 254)}"


def _ip6(r: random.Random) -> str:
    return f"2001:db8:{_hex(r, 4)}:{_hex(r, 4)}::1{_hex(r, 3)}"


def _mac(r: random.Random) -> str:
    return ":".join(_hex(r, 2) for _ in range(6))


def _uuid(r: random.Random) -> str:
    return "-".join(_hex(r, length) for length in (8, 4, 4, 4, 12))


KINDS: Mapping[str, tuple[Callable[[random.Random], tuple[str, str]], ...]] = {
    "hub token": (_plain("hf_", 34), _in('login(token="§")', lambda r: f"hf_{_mixed(r, 34)}")),
    "GitHub token": (_plain("ghp_", 36), _plain("github_pat_", 60), _plain("gho_", 36)),
    "GitLab token": (_plain("glpat-", 20),),
    "OpenAI-like key": (_plain("sk-", 48), _plain("sk-proj-", 60), _plain("sk-ant-api03-", 60)),
    "AWS key id": (_in("using AKIA§ for this", lambda r: _mixed(r, 16, string.ascii_uppercase + string.digits).upper()),),
    "AWS secret": (
        _in("AWS_SECRET_ACCESS_KEY=§", lambda r: _mixed(r, 40, _ALNUM + "/+")),
        _in("{'aws_secret_access_key': '§'}", lambda r: _mixed(r, 40, _ALNUM + "/+")),
    ),
    "Google key": (_plain("AIza", 35), _plain("ya29.", 60)),
    "Slack token": (_in("posting with xoxb-§ failed", lambda r: f"{r.randint(10**10, 10**11)}-{_mixed(r, 24)}"),),
    "JWT": (_jwt,),
    "bearer header": (_in("Authorization: Bearer §", lambda r: _mixed(r, 30)), _in("{'authorization': 'Bearer §'}", lambda r: _mixed(r, 30))),
    "basic header": (_in("Authorization: Basic §", lambda r: base64.b64encode(f"{_name(r)}:{_mixed(r, 12)}".encode()).decode()),),
    "URL credentials": (_in("https://ci:§@index.example.org/pypi", lambda r: _mixed(r, 14)), _in("--index-url https://§:x@example.org/pypi/", _name)),
    "private index": (
        _in("Looking in indexes: https://§/pypi", lambda r: f"nexus.{_name(r)}.biz"),
        _in("extra-index-url = https://§:8443/repository/pypi/all", lambda r: f"{_name(r)}.intern.{_name(r)}.eu"),
    ),
    "password": (
        _in("PIP_PASSWORD=§", lambda r: _mixed(r, 12)),
        _in("password: §", lambda r: _mixed(r, 9)),
        _in('connect(user="x", password="§")', lambda r: f"{_name(r)} & {_name(r)}!"),
    ),
    "variable": (
        _in("WANDB_API_KEY=§", lambda r: _hex(r, 40)),
        _in("export MY_SERVICE_TOKEN=§", lambda r: _mixed(r, 16)),
        _in("'COMPANY_SECRET': '§'", lambda r: _mixed(r, 16)),
        _in("environ({'X_SIGNING_KEY': '§'})", lambda r: _mixed(r, 20)),
    ),
    "e-mail": (_in("ask § about it", lambda r: f"{_name(r)}.{_name(r)}@{_name(r)}.org"),),
    "IPv4": (_in("could not connect to §:29500", _ip), _in("MASTER_ADDR=§", _ip), _in("tcp://§:29500 refused", _ip)),
    "IPv6": (_in("peer [§] reset the connection", _ip6),),
    "MAC": (_in("eth0 link/ether § brd", _mac),),
    "GPU": (_in("GPU 0: NVIDIA A100 (UUID: GPU-§)", _uuid), _in("CUDA_VISIBLE_DEVICES=MIG-§", _uuid)),
    "serial": (
        _in("Serial Number: §", lambda r: f"03{r.randint(10**10, 10**11)}"),
        _in("Product serial=§", lambda r: f"SN{r.randint(10**8, 10**9)}"),
    ),
    "other user": (_in('File "/home/§/jobs/train.py", line 3', _name), _in("C:\\Users\\§\\venv", _name), _in("/data/users/§/cache", _name)),
    "own home": (_in("§/x.py", lambda r: "/home/quentina"), _in("in C:\\Users\\quentina\\x", lambda r: "quentina")),
    "user name": (
        _in("run by § today", lambda r: "quentina"),
        _in("/scratch/§/x", lambda r: "quentina"),
        _in("torchinductor_§", lambda r: "quentina"),
    ),
    "host name": (_in("on §: no such file", lambda r: "tycho-lab"), _in("host='§'", lambda r: f"node-{_name(r)}.cluster")),
    "private key": (_key_block,),
    "repository": (_in("git+ssh://git@§/team/x.git", lambda r: f"git.{_name(r)}.io"), _in("git@§:team/model.git", lambda r: f"git.{_name(r)}.eu")),
    "bucket": (_in("s3://§/weights.safetensors", lambda r: f"{_name(r)}-models"),),
    "private package": (_in('File "/opt/v/lib/python3.11/site-packages/§/train.py", line 1', lambda r: f"{_name(r)}_llm"),),
}
"""Each kind with the ways in which it stands in a text, `§` for the secret."""


def planted(seed: int = 0, of_each: int = 3) -> list[Secret]:
    """`of_each` secrets of each way of each kind."""
    r = random.Random(seed)
    found = []
    for kind, ways in KINDS.items():
        for way in ways:
            for _ in range(of_each):
                text, needle = way(r)
                found.append(Secret(kind, text, needle))
    return found
