"""The one gate: what leaves the machine names neither its user nor its host, no folder of theirs, and carries no secret.

`Redactor` is for what leaves the machine, `Screen` for what is shown at it.
"""

from __future__ import annotations

import operator
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeGuard, TypeVar

from doctor.facts.environment import Environment, Requirement
from doctor.facts.frozen import Frozen, field_names, replace
from doctor.reports.private.addresses import URL, kind_of_private_address
from doctor.reports.private.masker import COLOUR, CONTROL_CHARACTER, LABEL, Masker, private_parts, unescaped
from doctor.reports.private.public_names import PUBLIC_USERS, is_public_distribution, is_public_host
from doctor.reports.private.tokens import SECRETS, names_a_secret

_T = TypeVar("_T")
_Mask = tuple[re.Pattern[str], str]
_MOST_KNOWN = 200
"""So many values are looked for wherever they stand: a hostile text must not make the search slow."""
_LEAST_KNOWN = 6
"""Shorter values are masked only where they give themselves away: elsewhere they may be words like others."""
_LEAST_ALPHABETIC = {"token": 12, "package": 8, "host": 7, "user": 5, "account": 8, "pod": 8, "bucket": 8}
"""So long a word of letters alone must be, by its kind, to be masked wherever it stands."""
_NAMES_OF_WORK = ("package", "source", "model", "repository")
"""What `--keep-private` shows."""
_REGISTRIES = ("ac", "co", "com", "edu", "gov", "net", "org")
_TEMPORARY = re.compile(
    r"(?<![\w.~>/-])(?:/private)?(?:/tmp|/var/tmp|/var/folders/\w{1,4}/\w{10,60}/T)(?![\w.-])"
    r"|[A-Za-z]:\\{1,2}(?:Users\\{1,2}[^\\\n]{1,64}\\{1,2}AppData\\{1,2}Local|Windows)\\{1,2}Temp(?![\w.-])"
)


class Masked(Frozen):
    """One value that was masked."""

    label: str
    value: str
    """As it stood: for the eyes of its owner only."""


class Private(Frozen):
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
        self._maskers = self._those_asked_for()
        domain = (host or "").partition(".")[2]
        host = (host or "").partition(".")[0]
        self._labels: dict[str, dict[str, str]] = {"user": {user or "": "<user>"}, "host": {host: "<host>"}}
        self._known: dict[str, str] = {}
        self._known_pattern: re.Pattern[str] | None = None
        self._seen: dict[Masked, None] = {}
        self._harmless: set[str] = set()
        """Texts that give nothing away by themselves: they need not be looked through twice."""
        private = private or Private()
        self._fixed = self._fixed_masks(private, user, host)
        self._learn(private)
        self._remember_domain(domain)

    def _those_asked_for(self) -> Sequence[Masker]:
        from doctor.reports.private.kinds import MASKERS  # which a screen does without

        return [each for each in MASKERS if not (self._keep_private and each.kind in _NAMES_OF_WORK)]

    @classmethod
    def of_this_machine(cls, folders: Iterable[str] = (), packages: Iterable[str] = (), *, keep_private: bool = False) -> Redactor:
        """The redactor of the user who runs doctor, on the machine it runs on; `folders` and `packages` as in `Private`."""
        import socket

        private = Private(_secrets_here(), tuple(folders), tuple(packages), _temporary_folder())
        return cls(_homes(), _user(), socket.gethostname(), private, keep_private=keep_private)

    def place(self, environment: Environment) -> Environment:
        """The environment that a command is to be aimed at: none, for nobody can say where a reader elsewhere pastes it."""
        python = replace(environment.python, executable=None, prefix=None)
        return replace(environment, python=python, manager=replace(environment.manager, project=None))

    @property
    def masked(self) -> tuple[Masked, ...]:
        """What was masked so far, in the order it was met."""
        return tuple(self._seen)

    def text(self, text: str) -> str:
        """`text` masked, and without control characters."""
        return self._twice(text)

    def value(self, value: _T) -> _T:
        """`value` with every string in it masked, through dataclasses, mappings and tuples."""
        return self._twice(value)

    def _twice(self, value: _T) -> _T:
        """What stands late may give away what stood early: what the first look taught is masked in a second."""
        known = len(self._known)
        masked: _T = self._value(value, self._mask)
        return masked if len(self._known) == known else self._value(masked, self._known_masked)

    def _value(self, value: Any, mask: Callable[[str], str]) -> Any:
        if not value:
            return value
        if isinstance(value, str):
            return mask(value)
        if isinstance(value, tuple):
            masked = tuple([self._value(item, mask) for item in value])
            return value if all(map(operator.is_, masked, value)) else masked
        if isinstance(value, Mapping):
            return {key: self._secret(item, mask) if names_a_secret(str(key)) else self._value(item, mask) for key, item in value.items()}
        if names := field_names(type(value)):
            changes = {name: new for name in names if (new := self._value(old := getattr(value, name), mask)) is not old}
            if isinstance(value, Requirement):
                changes["dependent"] = self._dependent(value.dependent)
            return replace(value, **changes) if changes else value
        return value

    def _dependent(self, name: str) -> str:
        """Whether a distribution is on a public index cannot be asked: the name of one that not everybody knows may be private."""
        return name if self._keep_private or LABEL.fullmatch(name) or is_public_distribution(name) else self._package(name)

    def _secret(self, value: Any, mask: Callable[[str], str]) -> Any:
        if isinstance(value, str) and value:
            return value if LABEL.fullmatch(value) else self._label("token", value)
        return self._value(value, mask)

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
        names = ((user, "<user>"), *((part, "<user>") for part in (user or "").split()[1:]), (host, "<host>"))
        return masks + [(_name_pattern(name), label) for name, label in names if _is_private_name(name)]

    def _learn(self, private: Private) -> None:
        for secret in dict.fromkeys(private.secrets):
            self._remember(secret, self._next_label("token", secret))
        for package in () if self._keep_private else private.packages:
            if not is_public_distribution(package):
                self._package(package, note=False)

    def _mask(self, text: str) -> str:
        if text in self._harmless:
            return self._known_masked(text)
        masked = CONTROL_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", COLOUR.sub("", text.replace("\r\n", "\n")))
        if "://" in masked:
            masked = URL.sub(self._url, masked)
        for pattern, label in self._fixed:
            masked = pattern.sub(lambda match, label=label: self._note(label, match[0]), masked)  # type: ignore[misc]
        masked = self._masked_by_what_it_is(masked)
        if masked == text:
            self._harmless.add(text)
        return self._known_masked(masked)

    def _masked_by_what_it_is(self, text: str) -> str:
        """`text` without what the maskers find in it."""
        lowered, shown = text.lower(), unescaped(text)
        for masker in self._maskers:
            if not masker.needs or any(each in lowered for each in masker.needs):
                masked = self._apply(masker, text, shown)
                if masked is not text:
                    text, shown = masked, unescaped(masked)
        return text

    def _apply(self, masker: Masker, text: str, shown: str) -> str:
        pieces: list[str] = []
        done = 0
        for start, end in private_parts(masker, shown):
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
        kind = kind_of_private_address(match["scheme"], host)
        if kind is not None:
            label = self._label(kind, host)
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
        if label.startswith("<host"):
            self._remember_domain(value.partition(".")[2])
        shortest = next((length for kind, length in _LEAST_ALPHABETIC.items() if label.startswith(f"<{kind}")), 0)
        ordinary = value.lower() in PUBLIC_USERS or is_public_distribution(value) or (value.isalpha() and len(value) < shortest)
        if value not in self._known and len(value) >= _LEAST_KNOWN and not ordinary and len(self._known) < _MOST_KNOWN:
            self._known[value] = label
            self._known_pattern = None

    def _remember_domain(self, domain: str) -> None:
        """What a host's name ends with names its owner; `co.uk` does not."""
        first, _, rest = domain.partition(".")
        if rest and (first not in _REGISTRIES or "." in rest) and not is_public_host(domain):
            self._remember(domain, self._next_label("host", domain))

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
        self._fixed = []

    def _those_asked_for(self) -> Sequence[Masker]:
        return SECRETS

    @classmethod
    def of_this_machine(cls, folders: Iterable[str] = (), packages: Iterable[str] = (), *, keep_private: bool = True) -> Screen:
        """The screen of the user who runs doctor."""
        return cls(_secrets_here())

    def trust(self, texts: Iterable[str]) -> None:
        """Pass these without looking for what is private in them; values that are known to be secret are masked in them too."""
        self._harmless.update(texts)

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
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return None


def _temporary_folder() -> str | None:
    """None where nothing can be written, as in a container that was started read-only."""
    import tempfile

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
