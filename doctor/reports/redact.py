"""The one gate: what leaves the machine names neither its user nor its host, no folder of theirs, and carries no secret.

`Redactor` is for what leaves the machine, `Screen` for what is shown at it.
"""

from __future__ import annotations

import dataclasses
import getpass
import os
import re
import socket
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeGuard, TypeVar

from doctor.facts.environment import Environment, Requirement
from doctor.reports.private import CONTROL_CHARACTER, MASKERS, SECRETS, URL, Masker, is_private_address, names_a_secret, private_parts
from doctor.reports.public_names import PUBLIC_USERS, is_public_distribution

_T = TypeVar("_T")
_Mask = tuple[re.Pattern[str], str]
_MOST_KNOWN = 200
"""So many values are looked for wherever they stand: a hostile text must not make the search slow."""
_LEAST_KNOWN = 6
"""Shorter values are masked only where they give themselves away: elsewhere they may be words like others."""
_TEMPORARY = re.compile(
    r"(?<![\w.~>/-])(?:/private)?(?:/tmp|/var/tmp|/var/folders/\w{1,4}/\w{10,60}/T)(?![\w.-])"
    r"|[A-Za-z]:\\{1,2}(?:Users\\{1,2}[^\\\n]{1,64}\\{1,2}AppData\\{1,2}Local|Windows)\\{1,2}Temp(?![\w.-])"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Masked:
    """One value that was masked."""

    label: str
    value: str
    """As it stood: for the eyes of its owner only."""


@dataclasses.dataclass(frozen=True, slots=True)
class Private:
    """What is known to be private here, besides what gives itself away."""

    secrets: tuple[str, ...] = ()
    """Values, such as those of `HF_TOKEN` and the like."""
    folders: tuple[str, ...] = ()
    """Folders that packages are installed from."""
    packages: tuple[str, ...] = ()
    """Distributions that are not from a public index."""
    temporary: str | None = None
    """The folder for temporary files, where it is not one of those everybody has."""


class Redactor:
    """Masks the same private value the same way wherever it stands: the home folder `~`, the user `<user>`, a second token `<token-2>`.

    What one text gives away is masked in all that were seen before it is written: `value` looks through the whole of a document first.
    """

    def __init__(
        self, homes: tuple[str, ...], user: str | None, host: str | None, private: Private | None = None, *, keep_private: bool = False
    ) -> None:
        self._homes = homes
        self._keep_private = keep_private
        self._maskers = [each for each in MASKERS if not (keep_private and each.kind == "package")]
        self._labels: dict[str, dict[str, str]] = {"user": {user or "": "<user>"}, "host": {host or "": "<host>"}}
        self._known: dict[str, str] = {}
        self._known_pattern: re.Pattern[str] | None = None
        self._seen: dict[Masked, None] = {}
        self._harmless: set[str] = set()
        """Texts that give nothing away by themselves: they need not be looked through twice."""
        private = private or Private()
        self._fixed = self._fixed_masks(private, user, host)
        self._learn(private)

    @classmethod
    def of_this_machine(cls, folders: Iterable[str] = (), packages: Iterable[str] = (), *, keep_private: bool = False) -> Redactor:
        """The redactor of the user who runs doctor, on the machine it runs on; `folders` and `packages` as in `Private`."""
        private = Private(_secrets_here(), tuple(folders), tuple(packages), _temporary_folder())
        return cls(_homes(), _user(), socket.gethostname().partition(".")[0], private, keep_private=keep_private)

    def place(self, environment: Environment) -> Environment:
        """The environment that a command is to be aimed at: none, for nobody can say where a reader elsewhere pastes it."""
        python = dataclasses.replace(environment.python, executable=None, prefix=None)
        return dataclasses.replace(environment, python=python, manager=dataclasses.replace(environment.manager, project=None))

    @property
    def masked(self) -> tuple[Masked, ...]:
        """What was masked so far, in the order it was met."""
        return tuple(self._seen)

    def text(self, text: str) -> str:
        """`text` masked, and without control characters."""
        return self._twice(self._mask, text)

    def value(self, value: _T) -> _T:
        """`value` with every string in it masked, through dataclasses, mappings and tuples."""
        return self._twice(self._value, value)

    def _twice(self, mask: Callable[[_T], _T], value: _T) -> _T:
        """Masked again when the first look taught something: what stands late may give away what stood early."""
        known = len(self._known)
        masked = mask(value)
        return masked if len(self._known) == known else mask(value)

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._mask(value)
        if isinstance(value, tuple):
            return tuple(self._value(item) for item in value)
        if isinstance(value, Mapping):
            return {key: self._secret(item) if names_a_secret(str(key)) else self._value(item) for key, item in value.items()}
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            changes = {field.name: self._value(getattr(value, field.name)) for field in dataclasses.fields(value)}
            if isinstance(value, Requirement):
                changes["dependent"] = self._dependent(value.dependent)
            return dataclasses.replace(value, **changes)
        return value

    def _dependent(self, name: str) -> str:
        """Whether a distribution is on a public index cannot be asked: the name of one that not everybody knows may be private."""
        return name if self._keep_private or is_public_distribution(name) else self._package(name)

    def _secret(self, value: Any) -> Any:
        return self._label("token", value) if isinstance(value, str) and value else self._value(value)

    def _package(self, name: str, note: bool = True) -> str:
        label = self._label("package", name) if note else self._next_label("package", name)
        for spelling in (name, name.replace("-", "_")):
            self._remember(spelling, label)
        return label

    def _fixed_masks(self, private: Private, user: str | None, host: str | None) -> list[_Mask]:
        """Folders before the names that stand in them, the one inside before the one around it."""
        around_home = tuple(folder for folder in private.folders if any(home.startswith(folder) for home in self._homes))
        folders = () if self._keep_private else tuple(each for each in private.folders if each not in around_home)
        masks = _folder_masks([(each, self._next_label("source", each)) for each in dict.fromkeys(folders)])
        masks += _folder_masks([(home, "~") for home in self._homes])
        masks += [(_TEMPORARY, "~tmp"), *_folder_masks([(private.temporary or "", "~tmp")])]
        return masks + [(_name_pattern(name), label) for name, label in ((user, "<user>"), (host, "<host>")) if _is_private_name(name)]

    def _learn(self, private: Private) -> None:
        for secret in dict.fromkeys(private.secrets):
            self._remember(secret, self._next_label("token", secret))
        for package in () if self._keep_private else private.packages:
            if not is_public_distribution(package):
                self._package(package, note=False)

    def _mask(self, text: str) -> str:
        if text in self._harmless:
            return self._known_masked(text)
        masked = CONTROL_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", text)
        if "://" in masked:
            masked = URL.sub(self._url, masked)
        for pattern, label in self._fixed:
            masked = pattern.sub(lambda match, label=label: self._note(label, match[0]), masked)  # type: ignore[misc]
        for masker in self._maskers:
            if masker.needs in masked:
                masked = self._apply(masker, masked)
        if masked == text:
            self._harmless.add(text)
        return self._known_masked(masked)

    def _apply(self, masker: Masker, text: str) -> str:
        pieces: list[str] = []
        done = 0
        for start, end in private_parts(masker, text):
            label = self._label(masker.kind, text[start:end])
            if masker.everywhere:
                self._remember(text[start:end], label)
            pieces += [text[done:start], label]
            done = end
        return "".join([*pieces, text[done:]]) if pieces else text

    def _url(self, match: re.Match[str]) -> str:
        user, host, rest = match["user"] or "", match["host"], match["rest"]
        if user not in ("", "git@"):
            user = self._label("credentials", user) + "@"
        if is_private_address(match["scheme"], host):
            label = self._label("host", host)
            self._remember(host, label)
            host, rest = label, "/..." if rest.strip("/") else rest
        return f"{match['scheme']}://{user}{host}{match['port'] or ''}{rest}"

    def _known_masked(self, text: str) -> str:
        if self._known and self._known_pattern is None:
            longest_first = sorted(self._known, key=len, reverse=True)
            self._known_pattern = re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(map(re.escape, longest_first))})(?![A-Za-z0-9])")
        return self._known_pattern.sub(lambda match: self._note(self._known[match[0]], match[0]), text) if self._known_pattern else text

    def _remember(self, value: str, label: str) -> None:
        """Mask a value wherever it stands from now on, unless it is a word like others."""
        ordinary = (
            value.lower() in PUBLIC_USERS or is_public_distribution(value) or (label.startswith("<token") and value.isalpha() and len(value) < 12)
        )
        if value not in self._known and len(value) >= _LEAST_KNOWN and not ordinary and len(self._known) < _MOST_KNOWN:
            self._known[value] = label
            self._known_pattern = None

    def _label(self, kind: str, value: str) -> str:
        return self._note(self._next_label(kind, value), value)

    def _next_label(self, kind: str, value: str) -> str:
        labels = self._labels.setdefault(kind, {})
        if kind == "package":
            value = value.replace("_", "-").lower()
        return labels.get(value) or labels.setdefault(value, f"<{kind}-{len(labels) + 1}>" if labels else f"<{kind}>")

    def _note(self, label: str, value: str) -> str:
        self._seen[Masked(label, value)] = None
        return label


class Screen(Redactor):
    """For the person at the machine: paths and names as they are, so that they can be clicked and pasted.

    Secrets are masked here too, and control characters taken out: a screen is looked at, copied and recorded.
    """

    def __init__(self, secrets: tuple[str, ...] = ()) -> None:
        super().__init__((), None, None, Private(secrets), keep_private=True)
        self._maskers = list(SECRETS)
        self._fixed = []

    @classmethod
    def of_this_machine(cls, folders: Iterable[str] = (), packages: Iterable[str] = (), *, keep_private: bool = True) -> Screen:
        """The screen of the user who runs doctor."""
        return cls(_secrets_here())

    def place(self, environment: Environment) -> Environment:
        """A command is pasted where the environment is."""
        return environment

    def _url(self, match: re.Match[str]) -> str:
        user = match["user"] or ""
        return match[0] if user in ("", "git@") else match[0].replace(user, self._label("credentials", user) + "@", 1)


def _secrets_here() -> tuple[str, ...]:
    return tuple(value for name, value in os.environ.items() if names_a_secret(name))


def _homes() -> tuple[str, ...]:
    """The home folder, as it is called and as it is; none where a user without an entry in passwd has no HOME."""
    try:
        home = str(Path.home())
    except RuntimeError:
        return ()
    return home, os.path.realpath(home)


def _user() -> str | None:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return None


def _temporary_folder() -> str | None:
    """None where nothing can be written, as in a container that was started read-only."""
    try:
        return tempfile.gettempdir()
    except OSError:
        return None


def _is_private_name(name: str | None) -> TypeGuard[str]:
    return bool(name) and str(name).lower() not in PUBLIC_USERS


def _name_pattern(name: str) -> re.Pattern[str]:
    """A name of one or two letters is masked in paths only: elsewhere it is a word."""
    if len(name) < 3:
        return re.compile(rf"(?<=[/\\_]){re.escape(name)}(?=[/\\]|$)")
    return re.compile(rf"(?i)(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])")


def _folder_masks(folders: Iterable[tuple[str, str]]) -> list[_Mask]:
    """The longest first, so that a folder inside another keeps a name of its own. Windows' may have their backslashes doubled."""
    masks = []
    for folder, label in sorted({each for each in folders if len(each[0].rstrip("/\\")) > 1}, key=lambda each: (-len(each[0]), each)):
        escaped = re.escape(folder.rstrip("/\\")).replace(r"\\", r"\\{1,2}")
        masks.append((re.compile(r"(?<![~>])" + escaped + r"(?![\w-]|\.\w)"), label))
    return masks
