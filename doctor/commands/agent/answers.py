"""The answers of the tools, as types: the schemas that a client is given are made from these. Names here are a public promise."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

from doctor.errors import DoctorError

ROOM = 6000
"""Characters of JSON on one page: JSON of English has three or more to a token, so these are no more than some 2,000 tokens."""
_HEAD = 2400
"""At most so many of them for what stands on every page."""
_NUMBERS = 16
"""For what the numbers of pages grow by."""
_CUTS = (1200, 800, 500, 300, 200, 120, 80, 40)
"""To so many characters texts are cut, one after the other, until all fits."""
_P = TypeVar("_P", bound="_Plain")
_A = TypeVar("_A", bound="Paged")


class _Plain(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class Paged(_Plain):
    """An answer that may have more pages."""

    page: int = 1
    """Which page this is, from 1."""
    pages: int = 1
    """How many there are; ask again with the next `page` for more."""


class Place(_Plain):
    """Where in a program something is done."""

    file: str
    line: int
    """From 1."""
    source: str
    """The line of code."""
    sure: str
    """`certain`, `likely` or `possible`."""


class Finding(_Plain):
    """A known problem, as it applies here."""

    id: str
    """`lookup_advisory` tells all of it."""
    title: str
    severity: str
    """`silent` (wrong results without an error: the worst), `error` or `warning`."""
    status: str
    """How sure it is that the environment has it: `affected`, `confirmed`, `possible`."""
    concerns: str
    """`environment`: whatever runs in it; `program`: this program sets it off; `possible-use`: it may; `exposure`: nobody, as far as is known."""
    package: str
    installed: str | None
    """The version of the package; null where it could not be had."""
    fixed_in: str | None
    """The release that ends it; null where none does."""
    remedy: str
    """What to do."""
    missing: tuple[str, ...]
    """What it would take to be sure."""
    places: tuple[Place, ...]
    """Where the program sets it off, the first five."""


class Check(Paged):
    """What is wrong with an environment, and what of it a program sets off."""

    verdict: str
    """In one sentence."""
    outcome: str
    """`ok`, `problem`, or `unsure`: a fact was missing that could have changed the answer."""
    python: str | None
    versions: Mapping[str, str | None]
    """Of torch, transformers, accelerate and their neighbours, as far as they are installed."""
    counts: Mapping[str, int]
    """How many findings there are by whom they concern, those that are not listed included."""
    findings: tuple[Finding, ...]
    """What concerns this environment or program, worst first; with `everything`, also what bites only those who use it."""
    upgrade: str | None
    """The command that makes the smallest upgrade which clears what counts; null where none does. It was not run."""
    unknown: tuple[str, ...]
    """Facts that could not be had and matter."""
    unread: tuple[str, ...]
    """Files of the program that could not be read."""


class Cause(_Plain):
    """What a failure may have been caused by."""

    cause: str
    """Its name."""
    kind: str
    """`bug`: an upgrade cures it; `misuse`: the code has to change; `resource`: the model does not fit; `incompatibility`: versions clash."""
    title: str
    confidence: float
    """From 0 to 1."""
    because: tuple[str, ...]
    """What speaks for it, strongest first."""
    remedy: str
    """What to do."""
    edit: str | None
    """What to change at the line of the user's own code; null where no line is known to be the one."""
    avoid: str | None
    """What never to do about it."""
    upgrade: str | None
    """The release to go to, such as `transformers 4.57.6`; null where none is sure to help."""
    upgrading: str
    """Whether an upgrade helps, in words."""
    advisory: str | None
    """The known problem it is a case of, for `lookup_advisory`."""


class Question(_Plain):
    """What tells the causes apart: answer it with `facts`."""

    fact: str
    ask: str
    run: str | None
    """A line of Python that answers it, and changes nothing."""
    answers: Mapping[str, str]
    """What one may see, by the value that stands for it: `facts={fact: value}`."""


class Failure(_Plain):
    """One failure that the text shows."""

    exception: str | None
    message: str
    outcome: str
    """`explained`: the first cause is surer than all else; `doubtful`: none is sure; `unknown`: none fits; `not-ours`: no meta-tensor failure."""
    place: str | None
    """The last frame of the user's own code: `file:line in function`."""
    causes: tuple[Cause, ...]
    """Surest first, three at most."""
    means: str | None
    """What the message means, where it alone names no cause."""
    avoid: str | None
    """What never to do about this message, whatever its cause."""
    question: Question | None
    """null where the first cause is sure, or nothing is known to ask."""
    count: int
    """How often the text holds it."""


class Explained(Paged):
    """Why a program failed."""

    failures: tuple[Failure, ...]
    """The surest first; empty where the text shows none."""
    versions: Mapping[str, str | None]
    """As the text states them, or its line numbers give them away."""
    warnings: tuple[str, ...]
    """Advice in the text that does harm."""
    wanted: tuple[str, ...]
    """What the text leaves out that would tell more."""
    next: str | None
    """The command to run next. It was not run."""


class Dating(_Plain):
    """Which releases of a package a traceback can come from."""

    package: str
    status: str
    """`dated`; `modified`: no release has these lines; `not covered`: no frame tells releases apart."""
    releases: tuple[str, ...]
    """Those it can come from, or of a modified build the nearest; of more than twenty the first and last ten."""
    summary: str


class Dated(Paged):
    """Which releases ran."""

    datings: tuple[Dating, ...]


class Device(_Plain):
    """One place that a model may go to."""

    name: str
    """The number of a GPU, `cpu`, `disk`, `mps`."""
    placed_bytes: int
    free_bytes: int | None


class Part(_Plain):
    """One entry of the device map."""

    module: str
    device: str
    bytes: int


class Fitted(Paged):
    """Where a model goes when it is loaded, and what of it is left on meta."""

    verdict: str
    """`fits`: nothing is left on meta; `offloaded`; `too large`; `refused`: the load raises."""
    sentence: str
    decided_by: str | None
    """`accelerate`: the environment's own from_pretrained, on meta; `estimate`: the sizes in the files' headers."""
    because: str | None
    """Why it is an estimate."""
    parameters: int | None
    bytes: int | None
    """Of the model, loaded."""
    peak_ram_bytes: int | None
    devices: tuple[Device, ...]
    left_on_meta_bytes: int | None
    remedies: tuple[str, ...]
    """What would make it fit; each was tried in the same way."""
    advisories: tuple[str, ...]
    """Known problems that this placement walks into, for `lookup_advisory`."""
    assumes: tuple[str, ...]
    placement: tuple[Part, ...]


class Advisory(_Plain):
    """A known problem; what is null of it is told when it is asked for by its id."""

    id: str
    title: str
    kind: str
    severity: str
    affected: tuple[str, ...]
    """Package and releases, as `transformers from 4.50.0, fixed in 4.51.3`."""
    trigger: str | None
    cause: str | None
    workaround: str | None
    avoid: str | None
    apis: tuple[str, ...]
    evidence: str | None
    """What the ranges rest on."""
    references: tuple[str, ...]


class Advisories(Paged):
    """Known problems."""

    matrix: str
    """The date of the matrix."""
    count: int
    """How many there are, on all pages."""
    advisories: tuple[Advisory, ...]


def page_of(answer: _A, field: str, items: Sequence[_Plain], page: int) -> _A:
    """The answer with those of the items that stand on this page. Raises `DoctorError` for a page that there is not.

    Texts that are too long for it end in a sign that there was more.
    """
    answer = _shortened(answer, _HEAD)
    left = ROOM - _length(answer) - _NUMBERS
    pages: list[list[_Plain]] = [[]]
    used = 0
    for each in (_shortened(item, left) for item in items):
        size = _length(each) + 1
        if pages[-1] and used + size > left:
            pages.append([])
            used = 0
        pages[-1].append(each)
        used += size
    if not 1 <= page <= len(pages):
        raise DoctorError(f"page {page}: there are {len(pages)}")
    changes: dict[str, Any] = {field: tuple(pages[page - 1]), "page": page, "pages": len(pages)}
    return answer.model_copy(update=changes)


def _length(plain: _Plain) -> int:
    return len(plain.model_dump_json())


def _shortened(plain: _P, room: int) -> _P:
    """The same in no more than `room` characters, its longest texts cut first."""
    for most in _CUTS:
        if _length(plain) < room:
            break
        plain = type(plain).model_validate(_cut(plain.model_dump(), most))
    return plain


def _cut(value: Any, most: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= most else f"{value[: most - 1]}\N{HORIZONTAL ELLIPSIS}"
    if isinstance(value, Mapping):
        return {_cut(key, most): _cut(each, most) for key, each in value.items()}
    return tuple(_cut(each, most) for each in value) if isinstance(value, (list, tuple)) else value


def ends(versions: Sequence[str], most: int = 20) -> tuple[str, ...]:
    """The first and the last of many."""
    half = math.ceil(most / 2)
    return tuple(versions) if len(versions) <= most else (*versions[:half], *versions[-half:])
