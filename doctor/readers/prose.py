"""Versions that people and programs mention in passing: "I'm on transformers v4.51", "(transformers 4.45.2)", `torch.__version__`.

Only what says which version is installed. "Fixed in transformers 4.50", "upgrade to 4.52" and "tried 4.46, 4.48" do not.
"""

from __future__ import annotations

import re

from doctor.readers.statements import IN_PROSE, NOT_LONGER, VERSION, Ledger, Source

_MAX_CHARACTERS = 4096
"""Of a line; a longer one is no prose."""
_HINTS = (
    "torch", "transformers", "accelerate", "diffusers", "peft", "python", "bitsandbytes", "deepspeed", "hub", "tokenizers", "safetensors",
    "numpy", "optimum", "timm", "autoawq", "setuptools",
)  # fmt: skip
_NAMES = (
    r"sentence[-_ ]transformers|huggingface[-_ ]hub|transformers|accelerate|pytorch|torch|diffusers|peft|bitsandbytes|deepspeed|tokenizers"
    r"|safetensors|numpy|optimum|timm|autoawq|setuptools|python"
)
_BLANKS = re.compile(r"\s{2,}")
_MENTION = re.compile(
    rf"(?<![\w./@\\-])(?P<name>{_NAMES})(?!\w)(?P<gap>[`*\"')\]]{{0,4}}\s{{0,2}}(?:(?:library|package)\s{{1,4}})?"
    r"\(?(?:installed\s)?(?:versions?\b|ver\b\.?|release\b)?[`*\"']{0,3}\s{0,2}"
    r"(?:==|=|:|\uff1a|@|-|\u2013|\u2014|\(|\[|is\b|was\b)?\s{0,2}[`*\"'(\[]{0,4}(?:version\s{1,4})?)"
    rf"v?(?P<version>{VERSION}){NOT_LONGER}",
    re.IGNORECASE,
)
_MODULE_VERSION = re.compile(rf"\b(?P<name>[A-Za-z_]\w{{0,60}})\.__version__\b(?P<gap>[^\w<>]{{0,20}})v?(?P<version>{VERSION}){NOT_LONGER}")
_COMPARES = re.compile(r"\b(?:if|assert|elif|while)\b")
_MODULE_ASKED = re.compile(r"\b(?P<name>[A-Za-z_]\w{0,60})\.__version__\)?\s{0,40}$")
_ANSWER = re.compile(rf"^(?:Out\s?\[\d{{1,7}}\]:\s{{0,40}})?[\"']?v?(?P<version>{VERSION})[\"']?$")
_REQUIRED_BUT = re.compile(rf"\b(?P<name>PyTorch)\b.{{0,40}}is required but found (?P<version>{VERSION})")
_YOU_HAVE = re.compile(rf"but you have (?P<name>[A-Za-z0-9][\w.-]{{0,80}}) (?P<version>{VERSION}) which is incompatible")

_CLAUSE = re.compile(r"[.;!?]\s|\bbut\b|\bhowever\b", re.IGNORECASE)
_CHANGE = re.compile(
    r"\b(?:upgrad\w*|updat\w*|downgrad\w*|bump\w*|revert\w*|roll(?:ed|ing)?|switch\w*|mov(?:e|ed|ing)|migrat\w*|pin(?:ned|ning)?|fix\w*|works?|worked"
    r"|tr(?:y|ied|ying)|tested|requir\w*|needs?|needed|support(?:s|ed)?|older|newer|below|above|between|introduc\w*|releas\w*|remov\w*|deprecat\w*"
    r"|saved|trained|converted|exported|built|compiled|compatib\w*|recommend\w*|suggest\w*|should|must|could|would|pip3?|conda|uv|reinstall\w*"
    r"|uninstall\w*|install|installing|collecting|downloading|existing|minimum|least|changed|merged|default|starting|expect\w*|previous(?:ly)?|earlier"
    r"|you(?! have)|please|if|until|since|prior|assert|also|same|no\slonger|backport\w*)\b",
    re.IGNORECASE,
)
_LATEST = re.compile(r"\b(?:latest|newest)\b", re.IGNORECASE)
_OWN = re.compile(r"\b(?:i'?m|am|have|using|use|running|my|currently|installed|env\w*)\b", re.IGNORECASE)
_JUST_BEFORE = re.compile(
    r"\b(?:in|to|from|for|than|by|of|before|after|up)(?:\s{1,4}the)?(?:\s{1,4}(?:hf|hugging ?face))?[\s`*\"'(]{0,8}$", re.IGNORECASE
)
_BEHIND = re.compile(
    r"[`*\"')\]]{0,3}\s{0,3}(?:,?\s?(?:works?|worked|and (?:later|newer|above|higher|up|below|earlier|lower)"
    r"|or (?:later|newer|above|higher|greater|below|earlier|lower|so))\b"
    r"|(?:is|was) (?:fine|ok|required|needed|recommended|supported|out|released|the latest)\b|has (?:fixed|changed|removed)|do(?:es)?(?:n't| not)\b"
    r"|fix\w*|onwards?\b|upwards?\b|required\b|introduced\b|changed\b|added\b|removed\b|broke\b|release notes"
    r"|(?:->|\u2192|[/|,&]|,? ?(?:and|or|to|vs\.?|through|until|downto))\s?v?\d{1,3}\.\d)",
    re.IGNORECASE,
)


class ProseReader:
    """Reads versions out of running text and log lines."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._asked: str | None = None
        """The module whose `__version__` was asked for in the line before."""

    def feed(self, number: int, line: str) -> bool:
        """Take the next line; whether it stated a version."""
        if self._asked is not None and self._answer(number, line.strip()):
            return True
        if len(line) > _MAX_CHARACTERS or "." not in line:
            return False
        lowered = line.lower()
        if "__version__" in lowered and self._module_version(number, line):
            return True
        if "but " in lowered and self._known_phrase(number, line):
            return True
        if not any(hint in lowered for hint in _HINTS):
            return False
        return self._mentions(number, line)

    @property
    def attentive(self) -> bool:
        """Whether what a line means depends on those before it."""
        return self._asked is not None

    def _answer(self, number: int, text: str) -> bool:
        if not text:
            return False
        name, self._asked = self._asked, None
        answer = _ANSWER.match(text)
        if answer is None or name is None:
            return False
        self._state(name, answer["version"], number)
        return True

    def _module_version(self, number: int, line: str) -> bool:
        if _COMPARES.search(line):
            return False
        if (asked := _MODULE_ASKED.search(line)) is not None:
            self._asked = asked["name"]
            return False
        found = False
        for each in _MODULE_VERSION.finditer(line):
            self._state(each["name"], each["version"], number)
            found = True
        return found

    def _known_phrase(self, number: int, line: str) -> bool:
        found = _REQUIRED_BUT.search(line) or _YOU_HAVE.search(line)
        if found is not None:
            self._state(found["name"], found["version"], number)
        return found is not None

    def _mentions(self, number: int, line: str) -> bool:
        stated = False
        line = _BLANKS.sub(" ", line)
        for mention in _MENTION.finditer(line):
            if mention["gap"] not in ("", "-") and _states(line, mention):
                self._state(mention["name"], mention["version"], number)
                stated = True
        return stated

    def _state(self, name: str, version: str, number: int) -> None:
        source = Source("", number, IN_PROSE)
        plain = name.lower().replace(" ", "-")
        if plain == "python":
            if version.startswith("3."):
                self._ledger.fact("python.version", ".".join(version.split(".")[:3]), source, number)
            return
        self._ledger.package(plain, version, source, number)


def _states(line: str, mention: re.Match[str]) -> bool:
    """Whether a version beside a name is said to be the one in use, as far as the words around it tell."""
    if _BEHIND.match(line, mention.end()):
        return False
    before = line[max(0, mention.start() - 80) : mention.start()]
    clause = _CLAUSE.split(before)[-1]
    if _CHANGE.search(clause) or _JUST_BEFORE.search(clause):
        return False
    return _LATEST.search(clause) is None or _OWN.search(clause) is not None
