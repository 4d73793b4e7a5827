"""Fit the weights `doctor explain` judges by to labelled reports: writes data/causes.json, with what was measured.

    OPENBLAS_NUM_THREADS=1 python tools/fit_causes.py FOLDER [--measure]

FOLDER holds reports-2.jsonl and, labelled with older names of causes, reports-1b.jsonl, cases.jsonl and cases-labels.jsonl; its
root-causes-2.md defines the causes. None of them is part of this repository: only the fitted numbers are. Beside this file lie two of our
own: told.txt tells how each cause is told, what is learned from and never measured on; retold.jsonl are further public reports, retold
in our own words, and labelled by two readers each who saw nothing of doctor. Needs numpy and scipy.

What is measured is what `doctor explain` answers in the end: what a sentence proves, what a failure says of itself and what is too
unlikely to be said included. Scores are cross-validated by repository, so that no thread stands on both sides, and nested: how sure an
answer is is chosen within the other folds. Who wrote told.txt and the signs had seen some of the reports of FOLDER, and none of
retold.jsonl, and so each is scored by itself. The reports with older names are judged as well, by a model that has learned from none
of them. `--measure` prints all that, and what each family of features adds, and writes nothing. It takes a quarter of an hour.

How sure an answer is comes in two steps: the causes share what certainty there is, and what was measured says how often one is right
that is first with such a share. To cry wolf and to guess does more harm than to leave a question open. So near misses and reports
that do not tell count more than once there, as often as confidence can bear and still mean what it says. The confidence from which on
doctor takes itself at its word is one half throughout; `trade-off` says what another would give.
"""

from __future__ import annotations

import argparse
import collections
import functools
import json
import random
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
from packaging.requirements import InvalidRequirement, Requirement
from scipy.optimize import minimize
from scipy.sparse import csr_array

from doctor.explain.causes import Known, cases_of, evidence, said_by_signs, seen_of
from doctor.explain.explanation import NOT_OURS, SURE, UNKNOWN, Clues
from doctor.explain.features import parts_of, words_of
from doctor.explain.model import MOST_OF_SIGNS, Model, Seen, log_odds, model_of
from doctor.explain.text import TextReader
from doctor.facts.symptom import Failure
from doctor.knowledge.matrix import Kind, Matrix
from doctor.knowledge.matrix_file import builtin_file, load_matrix
from doctor.knowledge.releases import known_releases
from doctor.readers.public_names import without_own_names, without_own_places

Array = Any
"""A numpy array: numpy is no dependency of doctor's, and so its types are not known where it is checked."""
_FOLDS, _INNER = 8, 3
_LENGTHS = {"words": 1.0, "parts": 0.7, "observations": 1.25, "frames": 1.0}
_LEASTS = {"words": 20.0, "parts": 12.0, "observations": 1.0, "frames": 1.0}
"""A text of two lines has fewer words than that, and so they say less."""
_WORDS = ("words", "parts")
_STRENGTH = 0.06
_SIGNS = 0.8
"""How much the signs' own weights count; what is fitted corrects them."""
_WORDS_AGAIN = 0.6
"""How much of a fit by the words alone is added to the one by all: where an observation stands for it already, words are not learned from."""
_KIND_BY_CAUSE, _KIND_STRENGTH = 0.6, 0.5
"""How much a cause says of what kind it is here, beside what the text says of it; and how strong that is regularised."""
_OTHERS = 0.6
"""How much a report labelled with older names counts."""
_TOLD = 0.5
"""How much an example in our own words counts."""
_NEAR_MISSES = 2.0
"""How much one that is not of the family counts: among the labelled they are rarer than among what people ask."""
_UNDECIDABLE = 2.5
"""How much one whose text does not tell counts: to be sure of it does more harm than to be unsure of another."""
_WEIGHTS: Mapping[tuple[str, ...], float] = {(NOT_OURS,): _NEAR_MISSES, (UNKNOWN,): _UNDECIDABLE}
_KINDS: tuple[str, ...] = get_args(Kind)
_CAUTION = (1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0)
_MOST_OFF = 0.1
"""How far confidence may be from how often it is right, on average, before what proves is counted: with that it is about two thirds of this."""
_LEAST = 0.2
"""Coefficients smaller than this are left out."""
_OLDER = {
    "main-branch-450dev": ("version-clash",),
    "old-stack": ("package-missing-or-old",),
    "tensor-parallel-load": ("device-map-refused",),
    "whole-model-on-disk": ("disk-offload-refused",),
    "merge-save-offloaded": ("convert-save-offloaded",),
    "quantize-convert-offloaded": ("convert-save-offloaded",),
    "missing-weights": ("wrong-checkpoint", "loader-key-mapping", "wrong-model-class"),
}


@dataclass(frozen=True)
class Report:
    """One labelled report, and what doctor sees of it."""

    causes: tuple[str, ...]
    """Acceptable from its text alone, best first; `unknown` where it cannot be decided."""
    truth: str | None
    """What the whole thread supports."""
    thread: str
    """Its repository, or the page."""
    seen: Seen
    signs: dict[str, float] = field(default_factory=dict)
    """What signs say for each cause in log odds, but for those that prove."""
    proofs: dict[str, float] = field(default_factory=dict)
    weight: float = 1.0
    kind: str | None = None
    """What kind of cause; None where it is not labelled."""
    upgrade: tuple[str, str] = ("unknown", "")
    """Whether one helps, and to what."""
    basis: str = ""
    language: str = ""
    traceback: bool = False
    reader: TextReader | None = None
    """What has read it; None for those that nothing is measured on."""


@dataclass(frozen=True)
class Answer:
    """What doctor answers in the end: of the failure that it puts first, the cause that it puts first."""

    cause: str | None
    """None: it names none."""
    kind: str | None
    confidence: float
    upgrade: tuple[str, str] | None = None
    """The package and the release it is to go to; None: none is recommended."""

    @property
    def sure(self) -> bool:
        """Whether it is said to be the cause, and not that it may be."""
        return self.confidence >= SURE


# Reading


@dataclass(frozen=True)
class Reports:
    """What there is to learn from, and what of it to measure on."""

    own: Sequence[Report]
    """Of FOLDER, labelled from their text alone."""
    retold: Sequence[Report]
    """Of retold.jsonl."""
    older: Sequence[Report]
    """Labelled with older names."""
    told: Sequence[Report]
    """Definitions and examples."""

    @property
    def labelled(self) -> list[Report]:
        """Those that are measured on, each by what was learned without its thread."""
        return [*self.own, *self.retold]


def read_reports(folder: Path, matrix: Matrix) -> Reports:
    """Everything labelled."""
    own = _labelled(folder / "reports-2.jsonl", matrix)
    retold = _labelled(Path(__file__).parent / "retold.jsonl", matrix)
    older = [
        _older(line["text"], line["old_causes"] if line["decidable"] else [UNKNOWN], line, matrix) for line in _lines(folder / "reports-1b.jsonl")
    ]
    labels = {line["i"]: line for line in _lines(folder / "cases-labels.jsonl")}
    for number, line in enumerate(_lines(folder / "cases.jsonl")):
        if number in labels:
            names = labels[number]["causes"] if labels[number]["decidable"] else [UNKNOWN]
            older.append(_older(f"{line['title']}\n\n{line['excerpt']}", names, {**line, **labels[number]}, matrix))
    return Reports(own, retold, older, [*_defined((folder / "root-causes-2.md").read_text("utf-8"), matrix), *_told(matrix)])


def _labelled(path: Path, matrix: Matrix) -> list[Report]:
    """Those of a file, labelled from their text alone."""
    found = []
    for line in _lines(path):
        said = line["from_text"]
        report = replace(
            _observed(line["text"], matrix),
            causes=tuple(said["causes"]) if said["decidable"] else (UNKNOWN,),
            truth=line["truth"]["cause"],
            thread=_thread(line["url"]),
            kind=(said["kind"] or None) if said["decidable"] and said["causes"] != [NOT_OURS] else None,
            upgrade=(said["upgrade"], said["upgrade_to"]),
            basis=line["truth"]["basis"],
            language=line["lang"],
            traceback=line["has_traceback"],
        )
        found.append(replace(report, weight=_WEIGHTS.get(report.causes, 1.0)))
    return found


def _defined(definitions: str, matrix: Matrix) -> Iterator[Report]:
    for name, section in re.findall(r"^## ([a-z0-9-]+)\n(.*?)(?=^## )", definitions, re.MULTILINE | re.DOTALL):
        said = "\n".join(re.findall(r"^- (?:definition|signs): (.*)", section, re.MULTILINE))
        if said:
            words = frozenset(word for line in said.split("\n") for word in words_of(without_own_names(line)))
            observed = _observed(said, matrix).seen["observations"]
            yield Report((name,), None, "", {"words": words, "parts": frozenset(parts_of(words)), "observations": observed}, weight=_OTHERS)


def _told(matrix: Matrix) -> Iterator[Report]:
    """The examples in our own words."""
    names: tuple[str, ...] = ()
    for paragraph in re.split(r"\n{2,}", (Path(__file__).parent / "told.txt").read_text("utf-8").strip("\n")):
        heading = re.fullmatch(r"# ([a-z0-9-]+(?: \| [a-z0-9-]+)*)", paragraph)
        if heading is not None:
            names = tuple(heading[1].split(" | "))
        elif names:
            yield replace(_observed(paragraph, matrix), causes=names, weight=_TOLD, reader=None)


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def _thread(url: str) -> str:
    return "/".join(url.split("/")[3:5]) if "github.com/" in url else url


def _older(text: str, names: Iterable[str], line: dict[str, Any], matrix: Matrix) -> Report:
    causes = tuple(new for name in names for new in _OLDER.get(name, (name,)))
    upgrade = (line.get("upgrade", "unknown"), line.get("upgrade_to", ""))
    return replace(_observed(text, matrix), causes=causes, thread=_thread(line["url"]), upgrade=upgrade, weight=_OTHERS)


def _observed(text: str, matrix: Matrix) -> Report:
    """What doctor's own reader sees of a text: of the failure that it puts first."""
    reader = TextReader(matrix, fitted=False)
    reader.read(text.split("\n"))
    explanation = reader.explanation()
    failure = without_own_places(explanation.failures[0].failure) if explanation.failures else Failure(None, "", (), 1)
    clues = reader.clues()
    whole = Clues(clues.found, words={None: frozenset().union(*clues.words.values())})
    known = Known(explanation.environment, matrix, known_releases())
    cases = cases_of(failure, whole, known)
    signs = {name: said_by_signs(case) for name, case in cases.items()}
    proofs = {name: evidence(replace(case, odds=1.0), 1.0) for name, case in cases.items()}
    return Report(
        (),
        None,
        "",
        seen_of(cases, failure, whole, known),
        {name: max(value, -3.0) for name, value in signs.items() if value},
        {name: value for name, value in proofs.items() if value},
        reader=reader,
    )


# Fitting


@dataclass(frozen=True)
class Space:
    """Which features there are, and how rare each is."""

    index: dict[tuple[str, str], int]
    rarity: Array
    families: tuple[str, ...]

    def vectors(self, reports: Sequence[Report]) -> Array:
        """A row for each report; each family brought to its length, as `Model.contributions` does."""
        columns: list[int] = []
        values: list[float] = []
        ends = [0]
        for report in reports:
            for family in self.families:
                here = sorted(self.index[family, name] for name in report.seen.get(family, ()) if (family, name) in self.index)
                norm = float(np.linalg.norm(self.rarity[here]))
                columns += here
                values += (self.rarity[here] * _LENGTHS[family] / max(norm, _LEASTS[family])).tolist()
            ends.append(len(columns))
        return csr_array((np.array(values, np.float32), columns, ends), (len(reports), len(self.index)))


def space_of(reports: Sequence[Report], families: tuple[str, ...], least: int = 3) -> Space:
    """The features that at least so many reports have."""
    counts = collections.Counter((family, name) for report in reports for family in families for name in report.seen.get(family, ()))
    kept = sorted(each for each, count in counts.items() if count >= least)
    rarity = np.array([np.log(len(reports) / counts[each]) + 0.5 for each in kept])
    return Space({each: number for number, each in enumerate(kept)}, rarity, families)


def target(report: Report, causes: Sequence[str]) -> Array:
    """Of several acceptable causes the true one counts most."""
    shares = np.zeros(len(causes))
    names = [name for name in report.causes if name in causes]
    for name in names:
        if report.truth in names and len(names) > 1:
            shares[causes.index(name)] = 0.6 if name == report.truth else 0.4 / (len(names) - 1)
        else:
            shares[causes.index(name)] += 1 / len(names)
    return shares


def offsets(reports: Sequence[Report], causes: Sequence[str], share: float) -> Array:
    """What signs say before anything was fitted."""
    return np.array([[share * each.signs.get(name, 0.0) + each.proofs.get(name, 0.0) for name in causes] for each in reports])


def fit(vectors: Array, offset: Array, wanted: Array, weights: Array, strength: float) -> tuple[Array, Array]:
    """Coefficients and intercepts of multinomial logistic regression with a quadratic penalty."""
    across = vectors.T.tocsr()
    number, size = wanted.shape[1], vectors.shape[1] * wanted.shape[1]
    certain = wanted.sum(1, keepdims=True).astype(np.float32)
    targets, counts, before = (each.astype(np.float32) for each in (wanted, weights[:, None], offset))

    def loss(flat: Array) -> tuple[float, Array]:
        scores = vectors @ flat[:size].astype(np.float32).reshape(-1, number) + (before + flat[size:].astype(np.float32))
        scores -= scores.max(1, keepdims=True)
        odds = np.exp(scores)
        totals = odds.sum(1, keepdims=True)
        gradient = (odds / totals * certain - targets) * counts
        value = -float((counts * targets * (scores - np.log(totals))).sum(dtype=np.float64)) + strength / 2 * float(flat[:size] @ flat[:size])
        return value, np.concatenate([(across @ gradient).ravel() + strength * flat[:size], gradient.sum(0, dtype=np.float64)])

    found = minimize(loss, np.zeros(size + number), jac=True, method="L-BFGS-B", options={"maxiter": 80, "ftol": 1e-6}).x
    return found[:size].reshape(-1, number), found[size:]


def softmax(scores: Array) -> Array:
    """Each row as shares of one."""
    odds = np.exp(scores - scores.max(1, keepdims=True))
    return odds / odds.sum(1, keepdims=True)


@dataclass(frozen=True)
class Setting:
    """What is fitted, and how much of it is kept."""

    signs: float = _SIGNS
    families: tuple[str, ...] = ("words", "parts", "observations", "frames")
    most: int | None = None
    """So many words and frames are kept, the telling ones, for a table of bounded size; None: all."""


@dataclass(frozen=True)
class Kinds:
    """What kind a cause is in a text, in the space of the features."""

    by_cause: Array
    """A row for each cause, a column for each kind, in log odds."""
    coefficients: Array
    intercepts: Array


@dataclass(frozen=True)
class Fitted:
    """A model in the space it was fitted in."""

    space: Space
    coefficients: Array
    intercepts: Array
    setting: Setting
    kinds: Kinds

    def scores(self, reports: Sequence[Report], causes: Sequence[str]) -> Array:
        """A row for each report, before they share one certainty."""
        return self.space.vectors(reports) @ self.coefficients + self.intercepts + offsets(reports, causes, self.setting.signs)


def fitted(reports: Sequence[Report], causes: Sequence[str], setting: Setting) -> Fitted:
    """Fitted to those that are labelled."""
    reports = [each for each in reports if target(each, causes).any()]
    space = space_of(reports, setting.families)
    coefficients, intercepts = _weights(space, reports, causes, setting)
    if setting.most is not None:
        telling = np.linalg.norm(coefficients, axis=1) * space.rarity
        kept = set(np.argsort(-telling)[: setting.most].tolist())
        names = [each for each, number in space.index.items() if number in kept or each[0] == "observations"]
        rarity = np.array([space.rarity[space.index[each]] for each in names])
        space = Space({each: number for number, each in enumerate(names)}, rarity, setting.families)
        coefficients, intercepts = _weights(space, reports, causes, setting)
        coefficients = np.where(np.abs(coefficients) < _LEAST, 0.0, coefficients)
    return Fitted(space, coefficients, intercepts, setting, _kinds(space, reports, causes))


def _weights(space: Space, reports: Sequence[Report], causes: Sequence[str], setting: Setting) -> tuple[Array, Array]:
    """Coefficients and intercepts: by all there is, and again by the words alone."""
    wanted = np.array([target(each, causes) for each in reports])
    weights = np.array([each.weight for each in reports])
    coefficients, intercepts = fit(space.vectors(reports), offsets(reports, causes, setting.signs), wanted, weights, _STRENGTH)
    wordy = tuple(family for family in setting.families if family in _WORDS)
    if not wordy:
        return coefficients, intercepts
    again, also = fit(replace(space, families=wordy).vectors(reports), offsets(reports, causes, 0.0), wanted, weights, _STRENGTH)
    return coefficients + _WORDS_AGAIN * again, intercepts + _WORDS_AGAIN * also


def _kinds(space: Space, reports: Sequence[Report], causes: Sequence[str]) -> Kinds:
    """Fitted to those whose kind is labelled."""
    reports = [each for each in reports if each.kind is not None]
    wanted = np.array([[float(each.kind == kind) for kind in _KINDS] for each in reports])
    shares = np.array([target(each, causes) for each in reports])
    seldom = wanted.mean(0) / 2
    by_cause = _KIND_BY_CAUSE * np.log((shares.T @ wanted + seldom) / (shares.sum(0)[:, None] + 0.5))
    coefficients, intercepts = fit(space.vectors(reports), shares @ by_cause, wanted, np.ones(len(reports)), _KIND_STRENGTH)
    return Kinds(by_cause, np.where(np.abs(coefficients) < _LEAST, 0.0, coefficients), intercepts)


# Measuring


def folds(reports: Sequence[Report], number: int, seed: int = 1) -> list[int]:
    """The fold of each report; all of one thread are in one."""
    threads = sorted({each.thread for each in reports})
    random.Random(seed).shuffle(threads)
    fold = {thread: position % number for position, thread in enumerate(threads)}
    return [fold[each.thread] for each in reports]


def held_out(own: Sequence[Report], others: Sequence[Report], causes: Sequence[str], setting: Setting, number: int) -> Array:
    """The scores of each of `own`, by a model that has seen nothing of its thread."""
    scores = np.zeros((len(own), len(causes)))
    where = folds(own, number)
    for fold in range(number):
        out = [position for position, each in enumerate(where) if each == fold]
        threads = {own[position].thread for position in out}
        learned = [each for each in (*own, *others) if each.thread not in threads]
        scores[out] = fitted(learned, causes, setting).scores([own[position] for position in out], causes)
    return scores


def sharpness(own: Sequence[Report], causes: Sequence[str], scores: Array) -> float:
    """What scores are to be multiplied by for the shares to be what the labels say, as nearly as can be."""
    wanted = np.array([target(each, causes) for each in own])
    return float(min(np.arange(0.4, 2.05, 0.05), key=lambda factor: loss_of(wanted, factor * scores)))


def loss_of(wanted: Array, scores: Array) -> float:
    """How far scores are from what is wanted (cross entropy)."""
    return float(-(wanted * np.log(softmax(scores) + 1e-12)).sum())


def certainty(own: Sequence[Report], causes: Sequence[str], scores: Array) -> tuple[float, float, float, float]:
    """How often the cause that is first is right, by its share, by that of "unknown" and by what its signs say: `Model.sure_of` (logistic
    regression on log odds), with as much caution as leaves confidence true."""
    shares = softmax(scores)
    names = [causes[row.argmax()] for row in shares[:, :-1]]
    odds_of = np.vectorize(log_odds)
    signs = np.array([each.signs.get(name, 0.0) for each, name in zip(own, names, strict=True)]).clip(0.0, MOST_OF_SIGNS)
    seen = np.stack([np.ones(len(own)), odds_of(shares[:, :-1].max(1)), odds_of(shares[:, -1]), signs], axis=1)
    holds = np.array([name in each.causes for each, name in zip(own, names, strict=True)], float)
    harmful = np.array([each.causes in _WEIGHTS for each in own]) & (holds == 0)

    def line_with(caution: float) -> Array:
        weights = np.where(harmful, caution, 1.0)

        def loss(line: Array) -> float:
            odds = seen @ line
            return float((weights * (np.logaddexp(0, odds) - holds * odds)).sum())

        return minimize(loss, np.array([0.0, 1.0, 0.0, 0.0])).x

    def is_off(line: Array) -> float:
        said = 1 / (1 + np.exp(-(seen @ line)))
        return calibration_error([(each, Answer(name, None, float(sure))) for each, name, sure in zip(own, names, said, strict=True)])

    lines = [line_with(caution) for caution in _CAUTION]
    more, share, unknown, sign = next((line for line in reversed(lines) if is_off(line) <= _MOST_OFF), lines[0])
    return float(more), float(share), float(unknown), float(sign)


@dataclass(frozen=True)
class Chosen:
    """How sure scores are to be taken."""

    sharpness: float
    certainty: tuple[float, float, float, float]


def chosen(own: Sequence[Report], others: Sequence[Report], causes: Sequence[str]) -> Chosen:
    """What comes nearest to the labels on threads left out."""
    scores = held_out(own, others, causes, Setting(), _INNER)
    factor = sharpness(own, causes, scores)
    return Chosen(factor, certainty(own, causes, factor * scores))


def learned_model(own: Sequence[Report], others: Sequence[Report], causes: Sequence[str], most: int) -> dict[str, Any]:
    """Everything chosen and fitted with these: what data/causes.json holds of it."""
    return table(fitted([*own, *others], causes, Setting(most=most)), causes, chosen(own, others, causes))


def answers(reports: Sequence[Report], model: Model) -> list[Answer]:
    """What doctor answers in the end, if it weighs by this model."""
    found = []
    for each in reports:
        assert each.reader is not None
        failures = each.reader.explanation(model=model).failures
        first = failures[0].causes[0] if failures and failures[0].causes else None
        upgrade = (first.upgrade.package, first.upgrade.to) if first is not None and first.upgrade is not None else None
        found.append(Answer(first.cause, first.kind, first.confidence, upgrade) if first is not None else Answer(None, None, 0.0))
    return found


def answered(own: Sequence[Report], others: Sequence[Report], learn: Callable[[Sequence[Report], Sequence[Report]], dict[str, Any]]) -> list[Answer]:
    """What is answered for each report by the table that was learned without its thread."""
    found: dict[int, Answer] = {}
    where = folds(own, _FOLDS)
    for fold in range(_FOLDS):
        out = [position for position, each in enumerate(where) if each == fold]
        threads = {own[position].thread for position in out}
        learned, helping = ([each for each in group if each.thread not in threads] for group in (own, others))
        found |= dict(zip(out, answers([own[position] for position in out], model_of(learn(learned, helping))), strict=True))
    return [found[position] for position in range(len(own))]


def elsewhere(own: Sequence[Report], older: Sequence[Report], model: Model) -> dict[str, Any]:
    """How the reports with older names of other repositories are judged by a model that has learned from none such."""
    threads = {each.thread for each in own}
    reports = [each for each in older if each.thread not in threads]
    scores = measured(reports, answers(reports, model))
    names = ("reports", "decidable", "answered", "right where answered", "undecidable answered", "upgrades recommended", "harmful upgrades")
    return {name: scores[name] for name in names}


def measured(reports: Sequence[Report], given: Sequence[Answer]) -> dict[str, Any]:
    """What answers are worth."""
    rows = list(zip(reports, given, strict=True))
    decidable = [row for row in rows if row[0].causes != (UNKNOWN,)]
    ours = [row for row in decidable if row[0].causes != (NOT_OURS,)]
    near = [row for row in decidable if row[0].causes == (NOT_OURS,)]
    undecidable = [row for row in rows if row[0].causes == (UNKNOWN,)]

    def part(chosen: Sequence[Any], holds: Callable[[Any], bool] = is_right) -> float | None:
        return round(sum(map(holds, chosen)) / len(chosen), 3) if chosen else None

    sure = [row for row in decidable if row[1].sure]
    return {
        "reports": len(rows),
        "decidable": part(decidable),
        "ours": part(ours),
        "kind": part([row for row in ours if row[0].kind is not None], lambda row: row[1].kind == row[0].kind),
        "near misses": part(near),
        "answered": part(decidable, lambda row: row[1].sure),
        "right where answered": part(sure),
        "no cause named": part(decidable, lambda row: row[1].cause is None),
        "near misses called ours": part(near, lambda row: row[1].cause != NOT_OURS and row[1].sure),
        "undecidable answered": part(undecidable, lambda row: row[1].sure),
        "upgrades recommended": sum(row[1].upgrade is not None for row in rows),
        "harmful upgrades": sum(map(is_harmful, rows)),
        "with traceback": part([row for row in decidable if row[0].traceback]),
        "without traceback": part([row for row in decidable if not row[0].traceback]),
        "truth stated or in frames": part([row for row in decidable if row[0].basis in ("stated", "frames")]),
        "English": part([row for row in decidable if row[0].language == "en"]),
        "other languages": part([row for row in decidable if row[0].language != "en"]),
        "from GitHub": part([row for row in decidable if "://" not in row[0].thread]),
        "from elsewhere": part([row for row in decidable if "://" in row[0].thread]),
        "calibration error": calibration_error(rows),
        "reliability": reliability(rows),
        "trade-off": [[level, *trade_off(decidable, near, undecidable, level)] for level in (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)],
    }


def is_right(row: tuple[Report, Answer]) -> bool:
    """Whether the cause named is one that the text allows."""
    return row[1].cause in row[0].causes


def is_harmful(row: tuple[Report, Answer]) -> bool:
    """An upgrade where the label says that none helps or that it hurts, or to a release that it says is not enough."""
    (helps, to), upgrade = row[0].upgrade, row[1].upgrade
    if upgrade is None or helps == "unknown":
        return False
    if helps != "helps":
        return True
    try:
        wanted = Requirement(to.split(" ")[0].rstrip(",;"))
    except InvalidRequirement:
        return False
    return wanted.name == upgrade[0] and not wanted.specifier.contains(upgrade[1])


def trade_off(decidable: Sequence[Any], near: Sequence[Any], undecidable: Sequence[Any], level: float) -> list[float]:
    """If an answer counted from this confidence on: how many of the decidable were answered, right of them, near misses called ours, and
    undecidable answered."""
    answered = [row for row in decidable if row[1].confidence >= level]
    ours = sum(row[1].confidence >= level and row[1].cause != NOT_OURS for row in near)
    shares = (len(answered) / len(decidable), sum(map(is_right, answered)) / max(len(answered), 1), ours / max(len(near), 1))
    return [round(each, 3) for each in (*shares, sum(row[1].confidence >= level for row in undecidable) / max(len(undecidable), 1))]


def reliability(rows: Sequence[tuple[Report, Answer]], bins: int = 5) -> list[list[Any]]:
    """Of the answers of about one confidence: their mean confidence, the share that is right, how many."""
    found = []
    for number in range(bins):
        here = [row for row in rows if row[1].cause is not None and number / bins <= row[1].confidence < (number + 1) / bins + (number == bins - 1)]
        if here:
            mean = sum(row[1].confidence for row in here) / len(here)
            found.append([round(mean, 2), round(sum(map(is_right, here)) / len(here), 2), len(here)])
    return found


def calibration_error(rows: Sequence[tuple[Report, Answer]]) -> float:
    """How far confidence is from how often it is right, on average (expected calibration error)."""
    parts = reliability(rows, bins=10)
    total: float = sum(abs(mean - share) * count for mean, share, count in parts)
    return float(round(total / max(sum(count for _, _, count in parts), 1), 3))


def ablation(reports: Reports, causes: Sequence[str], choice: Chosen) -> dict[str, Any]:
    """With some of what is seen only, how sure an answer is left as it is: right of the decidable, near misses called ours, undecidable answered."""
    everything = [*reports.older, *reports.told]
    without_examples = [*reports.older, *(each for each in reports.told if each.weight != _TOLD)]
    parts = {
        "all": (Setting(), reports.retold, everything),
        "words alone": (Setting(signs=0.0, families=("words", "parts")), reports.retold, everything),
        "observations alone": (Setting(signs=0.0, families=("observations",)), reports.retold, everything),
        "without words": (Setting(families=("observations", "frames")), reports.retold, everything),
        "without observations": (Setting(families=("words", "parts", "frames")), reports.retold, everything),
        "without frames": (Setting(families=("words", "parts", "observations")), reports.retold, everything),
        "without the signs' own weights": (Setting(signs=0.0), reports.retold, everything),
        "without the examples in our own words": (Setting(), reports.retold, without_examples),
        "without the reports retold": (Setting(), (), everything),
    }
    found = {}
    for name, (setting, retold, others) in parts.items():
        given = answered(reports.own, [*retold, *others], functools.partial(_with_setting, setting, choice, causes))
        scores = measured(reports.own, given)
        found[name] = [scores[each] for each in ("decidable", "near misses called ours", "undecidable answered")]
    return found


def _with_setting(setting: Setting, choice: Chosen, causes: Sequence[str], own: Sequence[Report], others: Sequence[Report]) -> dict[str, Any]:
    return table(fitted([*own, *others], causes, setting), causes, choice)


# Writing


def table(model: Fitted, causes: Sequence[str], choice: Chosen) -> dict[str, Any]:
    """What data/causes.json holds, but for where it comes from."""
    families: dict[str, Any] = {family: {"length": _LENGTHS[family], "least": _LEASTS[family], "features": {}} for family in model.setting.families}
    for (family, name), number in model.space.index.items():
        rarity = float(model.space.rarity[number])
        row = [round(rarity, 2), _named(causes, model.coefficients[number])]
        kinds = _named(_KINDS, model.kinds.coefficients[number])
        families[family]["features"][name] = [*row, kinds] if kinds else row
    return {
        "signs": model.setting.signs,
        "sharpness": round(choice.sharpness, 2),
        "certainty": [round(each, 3) for each in choice.certainty],
        "intercepts": _named(causes, model.intercepts, zero=True),
        "kinds": {
            cause: _named(_KINDS, row + model.kinds.intercepts, zero=True)
            for cause, row in zip(causes, model.kinds.by_cause, strict=True)
            if cause not in (NOT_OURS, UNKNOWN)
        },
        "families": families,
    }


def _named(names: Sequence[str], values: Array, *, zero: bool = False) -> dict[str, float]:
    row = {name: round(float(value), 2) for name, value in zip(names, values, strict=True)}
    return {name: value for name, value in row.items() if value or zero}


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit, measure and write; returns the exit code."""
    parser = argparse.ArgumentParser(description="Fit what `doctor explain` judges by.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--measure", action="store_true", help="print what it is worth, and write nothing")
    parser.add_argument("--most", type=int, default=4000, help="so many words and frames are kept (default 4000)")
    options = parser.parse_args(arguments)
    matrix = load_matrix()
    reports = read_reports(options.folder, matrix)
    others = [*reports.older, *reports.told]
    causes = [*sorted({cause.name for cause in matrix.causes} | {NOT_OURS}), UNKNOWN]
    choice = chosen(reports.labelled, others, causes)
    written = table(fitted([*reports.labelled, *others], causes, Setting(most=options.most)), causes, choice)
    learn = functools.partial(learned_model, causes=causes, most=options.most)
    given = answered(reports.labelled, others, learn)
    about = {
        "fitted on": f"{len(reports.own)} public reports labelled from their text alone, {len(reports.retold)} more retold in our own words, "
        f"{len(reports.older)} older ones labelled with older names of causes, and {len(reports.told)} examples and definitions in our own words",
        "scores": measured(reports.own, given[: len(reports.own)]),
        "scores of the retold": measured(reports.retold, given[len(reports.own) :]),
        "older reports of other repositories": elsewhere(reports.labelled, reports.older, model_of(learn(reports.labelled, reports.told))),
        "families of features": ablation(reports, causes, choice),
    }
    print(json.dumps(about, indent=2))
    if not options.measure:
        _write({"about": about, **written}, builtin_file().parent / "causes.json")
    return 0


def _write(data: dict[str, Any], path: Path) -> None:
    """One feature a line."""
    lines = [f'"{key}": {json.dumps(value, ensure_ascii=False)}' for key, value in data.items() if key != "families"]
    families = []
    for family, each in data["families"].items():
        features = ",\n".join(f"{json.dumps(name, ensure_ascii=False)}: {json.dumps(value)}" for name, value in each["features"].items())
        families.append(f'"{family}": {{"length": {each["length"]}, "least": {each["least"]}, "features": {{\n{features}\n}}}}')
    path.write_text("{\n" + ",\n".join(lines) + ',\n"families": {\n' + ",\n".join(families) + "\n}}\n", encoding="utf-8")
    model_of(json.loads(path.read_text("utf-8")))


if __name__ == "__main__":
    sys.exit(main())
