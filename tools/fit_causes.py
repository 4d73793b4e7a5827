"""Fit the weights `doctor explain` judges by to labelled reports: writes data/causes.json, with what was measured.

    python tools/fit_causes.py FOLDER [--measure]

FOLDER holds reports-2.jsonl and, labelled with older names of causes, reports-1b.jsonl, cases.jsonl and cases-labels.jsonl; its
root-causes-2.md defines the causes. None of them is part of this repository: only the fitted numbers are. Beside them, told.txt tells
how each cause is told, in our own words: what is learned from it, and never measured on. Needs numpy and scipy.

What is measured is what `doctor explain` answers in the end: what a sentence proves, what a failure says of itself and what is too
unlikely to be said included. Scores are cross-validated by repository, so that no thread stands on both sides, and nested: what is
chosen (how strong the regularisation is, how sharp the confidence is) is chosen within the other folds. They hold for reports as those
in FOLDER are; who wrote told.txt had seen some of them. And so the reports with older names are judged as well, by a model that has
learned from none of them. `--measure` prints all that, and what each family of features adds, and writes nothing.
"""

from __future__ import annotations

import argparse
import collections
import json
import random
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize

from doctor.explain.causes import Known, cases_of, evidence, seen_of
from doctor.explain.explanation import NOT_OURS, SURE, UNKNOWN, Clues
from doctor.explain.features import words_of
from doctor.explain.model import Model, Seen, model_of
from doctor.explain.text import TextReader
from doctor.facts.symptom import Failure
from doctor.knowledge.matrix import Matrix
from doctor.knowledge.matrix_file import builtin_file, load_matrix
from doctor.knowledge.releases import known_releases

Array = Any
"""A numpy array: numpy is no dependency of doctor's, and so its types are not known where it is checked."""
_FOLDS, _INNER = 10, 3
_LENGTHS = {"words": 1.0, "observations": 1.5, "frames": 1.0}
_STRENGTHS = (0.04, 0.08)
_SIGNS = 0.8
"""How much the signs' own weights count; what is fitted corrects them."""
_OTHERS = 0.6
"""How much a report labelled with older names counts."""
_TOLD = 0.5
"""How much an example in our own words counts."""
_NEAR_MISSES = 2.0
"""How much one that is not of the family counts: among the labelled they are rarer than among what people ask."""
_UNDECIDABLE = 2.5
"""How much one whose text does not tell counts: to be sure of it does more harm than to be unsure of another."""
_WEIGHTS: Mapping[tuple[str, ...], float] = {(NOT_OURS,): _NEAR_MISSES, (UNKNOWN,): _UNDECIDABLE}
_OF_KINDS = 0.3
"""How much the usual kind of a cause counts where a report is labelled with the cause only."""
_KINDS = ("bug", "misuse", "resource", "incompatibility")
_LEAST = 0.1
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

    @property
    def sure(self) -> bool:
        """Whether it is said to be the cause, and not that it may be."""
        return self.confidence >= SURE


# Reading


def read_reports(folder: Path, matrix: Matrix) -> tuple[list[Report], list[Report], list[Report]]:
    """The labelled reports, those that are labelled with older names, and what only helps to learn."""
    own = [
        replace(
            _observed(line["text"], matrix),
            causes=tuple(line["from_text"]["causes"]) if line["from_text"]["decidable"] else (UNKNOWN,),
            truth=line["truth"]["cause"],
            thread=_thread(line["url"]),
            kind=line["from_text"]["kind"] if line["from_text"]["decidable"] and line["from_text"]["causes"] != [NOT_OURS] else None,
            basis=line["truth"]["basis"],
            language=line["lang"],
            traceback=line["has_traceback"],
        )
        for line in _lines(folder / "reports-2.jsonl")
    ]
    own = [replace(each, weight=_WEIGHTS.get(each.causes, 1.0)) for each in own]
    older = [
        _older(line["text"], line["old_causes"] if line["decidable"] else [UNKNOWN], line, matrix) for line in _lines(folder / "reports-1b.jsonl")
    ]
    labels = {line["i"]: line for line in _lines(folder / "cases-labels.jsonl")}
    for number, line in enumerate(_lines(folder / "cases.jsonl")):
        if number in labels:
            names = labels[number]["causes"] if labels[number]["decidable"] else [UNKNOWN]
            older.append(_older(f"{line['title']}\n\n{line['excerpt']}", names, line, matrix))
    return own, older, [*_defined((folder / "root-causes-2.md").read_text("utf-8"), matrix), *_told(matrix)]


def _defined(definitions: str, matrix: Matrix) -> Iterator[Report]:
    for name, section in re.findall(r"^## ([a-z0-9-]+)\n(.*?)(?=^## )", definitions, re.MULTILINE | re.DOTALL):
        said = "\n".join(re.findall(r"^- (?:definition|signs): (.*)", section, re.MULTILINE))
        if said:
            words = frozenset(word for line in said.split("\n") for word in words_of(line))
            observed = _observed(said, matrix).seen["observations"]
            yield Report((name,), None, "", {"words": words, "observations": observed, "frames": frozenset()}, weight=_OTHERS)


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
    return replace(_observed(text, matrix), causes=causes, thread=_thread(line["url"]), weight=_OTHERS)


def _observed(text: str, matrix: Matrix) -> Report:
    """What doctor's own reader sees of a text: of the failure that it puts first."""
    reader = TextReader(matrix, fitted=False)
    reader.read(text.split("\n"))
    explanation = reader.explanation()
    failure = explanation.failures[0].failure if explanation.failures else Failure(None, "", (), 1)
    clues = reader.clues()
    whole = Clues(clues.found, words={None: frozenset().union(*clues.words.values())})
    known = Known(explanation.environment, matrix, known_releases())
    cases = cases_of(failure, whole, known)
    signs = {name: evidence(replace(case, proof=1.0), 1.0) for name, case in cases.items()}
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
        rows = np.zeros((len(reports), len(self.index)))
        for row, report in zip(rows, reports, strict=True):
            for family in self.families:
                columns = [self.index[family, name] for name in report.seen[family] if (family, name) in self.index]
                norm = float(np.linalg.norm(self.rarity[columns]))
                if columns:
                    row[columns] = self.rarity[columns] * _LENGTHS[family] / (norm if family == "words" else max(norm, 1.0))
        return rows


def space_of(reports: Sequence[Report], families: tuple[str, ...], least: int = 3) -> Space:
    """The features that at least so many reports have."""
    counts = collections.Counter((family, name) for report in reports for family in families for name in report.seen[family])
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
    """Coefficients and intercepts of multinomial logistic regression with a quadratic penalty; fitted in the span of the reports."""
    values, axes = np.linalg.eigh((vectors @ vectors.T).astype(np.float32))
    kept = values > 1e-4
    values, axes = values[kept], axes[:, kept]
    inputs = axes * np.sqrt(values)
    size, number = inputs.shape[1], wanted.shape[1]

    def loss(flat: Array) -> tuple[float, Array]:
        coefficients, intercepts = flat[: size * number].reshape(size, number), flat[size * number :]
        shares = softmax(inputs @ coefficients.astype(np.float32) + intercepts + offset)
        gradient = (shares - wanted) * weights[:, None]
        penalty = strength / 2 * float((coefficients**2).sum())
        value = -float((weights[:, None] * wanted * np.log(shares + 1e-12)).sum()) + penalty
        return value, np.concatenate([(inputs.T @ gradient.astype(np.float32) + strength * coefficients).ravel(), gradient.sum(0)])

    found = minimize(loss, np.zeros(size * number + number), jac=True, method="L-BFGS-B", options={"maxiter": 80}).x
    return vectors.T @ (axes / np.sqrt(values)) @ found[: size * number].reshape(size, number), found[size * number :]


def softmax(scores: Array) -> Array:
    """Each row as shares of one."""
    odds = np.exp(scores - scores.max(1, keepdims=True))
    return odds / odds.sum(1, keepdims=True)


@dataclass(frozen=True)
class Setting:
    """What is chosen, not fitted."""

    strength: float
    signs: float
    families: tuple[str, ...] = ("words", "observations", "frames")
    most: int | None = None
    """So many words and frames are kept, the telling ones, for a table of bounded size; None: all."""


@dataclass(frozen=True)
class Fitted:
    """A model in the space it was fitted in."""

    space: Space
    coefficients: Array
    intercepts: Array
    setting: Setting
    kinds: tuple[Array, Array] | None = None
    """Coefficients and intercepts of the kinds; None where they were not asked for."""
    usual: Array = None
    """For each cause but the last, how often it is of each kind, in log odds."""

    def scores(self, reports: Sequence[Report], causes: Sequence[str]) -> Array:
        """A row for each report, before they share one certainty."""
        return self.space.vectors(reports) @ self.coefficients + self.intercepts + offsets(reports, causes, self.setting.signs)


def fitted(reports: Sequence[Report], causes: Sequence[str], setting: Setting) -> Fitted:
    """Fitted to those that are labelled."""
    reports = [each for each in reports if target(each, causes).any()]
    space = space_of(reports, setting.families)
    wanted = np.array([target(each, causes) for each in reports])
    weights = np.array([each.weight for each in reports])
    offset = offsets(reports, causes, setting.signs)
    coefficients, intercepts = fit(space.vectors(reports), offset, wanted, weights, setting.strength)
    if setting.most is not None and len(space.index) > setting.most:
        telling = np.linalg.norm(coefficients, axis=1) * space.rarity
        kept = set(np.argsort(-telling)[: setting.most].tolist())
        names = [each for each, number in space.index.items() if number in kept or each[0] == "observations"]
        rarity = np.array([space.rarity[space.index[each]] for each in names])
        space = Space({each: number for number, each in enumerate(names)}, rarity, setting.families)
        coefficients, intercepts = fit(space.vectors(reports), offset, wanted, weights, setting.strength)
    if setting.most is not None:
        coefficients = np.where(np.abs(coefficients) < _LEAST, 0.0, coefficients)
    return Fitted(space, coefficients, intercepts, setting)


def with_kinds(model: Fitted, reports: Sequence[Report], causes: Sequence[str], usual: Mapping[str, str]) -> Fitted:
    """The model with what tells kinds of causes apart; `usual` is the kind of each cause where nothing else is known."""
    labelled = [each for each in reports if each.kind is not None or not set(each.causes).isdisjoint(usual)]
    wanted = np.zeros((len(labelled), len(_KINDS)))
    counts = np.full((len(causes) - 1, len(_KINDS)), 0.3)
    for cause, kind in usual.items():
        counts[causes.index(cause), _KINDS.index(kind)] += 2.0
    for row, each in zip(wanted, labelled, strict=True):
        if each.kind is not None:
            row[_KINDS.index(each.kind)] = 1.0
            for cause in each.causes:
                counts[causes.index(cause), _KINDS.index(each.kind)] += 1 / len(each.causes)
        else:
            known = usual.keys() & set(each.causes)
            for cause in known:
                row[_KINDS.index(usual[cause])] += 1 / len(known)
    weights = np.array([1.0 if each.kind is not None else _OF_KINDS for each in labelled])
    coefficients, intercepts = fit(model.space.vectors(labelled), np.zeros_like(wanted), wanted, weights, model.setting.strength)
    coefficients = np.where(np.abs(coefficients) < _LEAST, 0.0, coefficients)
    return replace(model, kinds=(coefficients, intercepts), usual=np.log(counts / counts.sum(1, keepdims=True)))


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


def right(own: Sequence[Report], causes: Sequence[str], scores: Array) -> float:
    """The share of the decidable whose cause comes first."""
    rows = zip(own, scores, strict=True)
    return float(np.mean([causes[row[:-1].argmax()] in each.causes for each, row in rows if each.causes != (UNKNOWN,)]))


def sharpness(own: Sequence[Report], causes: Sequence[str], scores: Array) -> float:
    """What scores are to be multiplied by for the first cause's share to be as often right as it says: least squared error."""

    def error(factor: float) -> float:
        shares = softmax(factor * scores)[:, :-1]
        return float(np.mean([(row.max() - (causes[row.argmax()] in each.causes)) ** 2 for each, row in zip(own, shares, strict=True)]))

    return float(min(np.arange(0.4, 2.05, 0.05), key=error))


def chosen(own: Sequence[Report], others: Sequence[Report], causes: Sequence[str]) -> tuple[float, float]:
    """The strength that is right most often on threads left out, and the sharpness of its scores."""
    tried = [(strength, held_out(own, others, causes, Setting(strength, _SIGNS), _INNER)) for strength in _STRENGTHS]
    best, scores = max(tried, key=lambda each: right(own, causes, each[1]))
    return best, sharpness(own, causes, scores)


def learned_model(own: Sequence[Report], others: Sequence[Report], causes: Sequence[str], matrix: Matrix, most: int) -> tuple[Model, dict[str, Any]]:
    """Everything chosen and fitted with these: the model, and what data/causes.json holds of it."""
    strength, factor = chosen(own, others, causes)
    usual = {cause.name: cause.kind for cause in matrix.causes}
    model = with_kinds(fitted([*own, *others], causes, Setting(strength, _SIGNS, most=most)), [*own, *others], causes, usual)
    data = table(model, causes, factor)
    return model_of(data), data


def answers(reports: Sequence[Report], model: Model) -> list[Answer]:
    """What doctor answers in the end, if it weighs by this model."""
    found = []
    for each in reports:
        assert each.reader is not None
        failures = each.reader.explanation(model=model).failures
        first = failures[0].causes[0] if failures and failures[0].causes else None
        found.append(Answer(first.cause, first.kind, first.confidence) if first is not None else Answer(None, None, 0.0))
    return found


def nested(own: Sequence[Report], others: Sequence[Report], causes: Sequence[str], matrix: Matrix, most: int) -> list[Answer]:
    """What is answered for each report, everything chosen and fitted without its thread."""
    found: dict[int, Answer] = {}
    where = folds(own, _FOLDS)
    for fold in range(_FOLDS):
        out = [position for position, each in enumerate(where) if each == fold]
        threads = {own[position].thread for position in out}
        learned, helping = ([each for each in group if each.thread not in threads] for group in (own, others))
        model, _ = learned_model(learned, helping, causes, matrix, most)
        found |= dict(zip(out, answers([own[position] for position in out], model), strict=True))
    return [found[position] for position in range(len(own))]


def elsewhere(own: Sequence[Report], older: Sequence[Report], model: Model) -> dict[str, Any]:
    """How the reports with older names of other repositories are judged by a model that has learned from none such."""
    threads = {each.thread for each in own}
    reports = [each for each in older if each.thread not in threads]
    scores = measured(reports, answers(reports, model))
    return {name: scores[name] for name in ("reports", "decidable", "answered", "right where answered", "undecidable answered")}


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
        "with traceback": part([row for row in decidable if row[0].traceback]),
        "without traceback": part([row for row in decidable if not row[0].traceback]),
        "truth stated or in frames": part([row for row in decidable if row[0].basis in ("stated", "frames")]),
        "English": part([row for row in decidable if row[0].language == "en"]),
        "other languages": part([row for row in decidable if row[0].language != "en"]),
        "from GitHub": part([row for row in decidable if "://" not in row[0].thread]),
        "from elsewhere": part([row for row in decidable if "://" in row[0].thread]),
        "calibration error": calibration_error(rows),
        "reliability": reliability(rows),
    }


def is_right(row: tuple[Report, Answer]) -> bool:
    """Whether the cause named is one that the text allows."""
    return row[1].cause in row[0].causes


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


def ablation(own: Sequence[Report], others: Sequence[Report], causes: Sequence[str], setting: Setting) -> dict[str, float]:
    """What is right with some of the features only, before what is proven or said by a failure itself counts."""
    parts = {
        "words": replace(setting, families=("words",), signs=0.0),
        "words and observations": replace(setting, families=("words", "observations"), signs=0.0),
        "words, observations and frames": replace(setting, signs=0.0),
        "all, with the signs' own weights": setting,
        "all, without words": replace(setting, families=("observations", "frames")),
    }
    found = {name: round(right(own, causes, held_out(own, others, causes, each, _FOLDS)), 3) for name, each in parts.items()}
    without = [each for each in others if each.weight != _TOLD]
    return found | {"all, without the examples in our own words": round(right(own, causes, held_out(own, without, causes, setting, _FOLDS)), 3)}


# Writing


def table(model: Fitted, causes: Sequence[str], factor: float) -> dict[str, Any]:
    """What data/causes.json holds, but for where it comes from."""
    assert model.kinds is not None
    families: dict[str, Any] = {family: {"length": _LENGTHS[family], "features": {}} for family in model.setting.families}
    for (family, name), number in model.space.index.items():
        rarity = float(model.space.rarity[number])
        families[family]["features"][name] = [round(rarity, 2), _named(causes, model.coefficients[number]), _named(_KINDS, model.kinds[0][number])]
    return {
        "signs": model.setting.signs,
        "sharpness": round(factor, 2),
        "strength": model.setting.strength,
        "intercepts": _named(causes, model.intercepts, zero=True),
        "kinds": _named(_KINDS, model.kinds[1], zero=True),
        "usual": {cause: _named(_KINDS, row, zero=True) for cause, row in zip(causes, model.usual, strict=False)},
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
    parser.add_argument("--most", type=int, default=2500, help="so many words and frames are kept (default 2500)")
    options = parser.parse_args(arguments)
    matrix = load_matrix()
    own, older, told = read_reports(options.folder, matrix)
    others = [*older, *told]
    causes = [*sorted({cause.name for cause in matrix.causes} | {NOT_OURS}), UNKNOWN]
    _, written = learned_model(own, others, causes, matrix, options.most)
    about = {
        "fitted on": f"{len(own)} public reports labelled from their text alone, {len(older)} older ones labelled with older names of causes, "
        f"and {len(told)} examples in our own words",
        "scores": measured(own, nested(own, others, causes, matrix, options.most)),
        "older reports of other repositories": elsewhere(own, older, learned_model(own, told, causes, matrix, options.most)[0]),
        "families of features": ablation(own, others, causes, Setting(written["strength"], _SIGNS)),
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
        families.append(f'"{family}": {{"length": {each["length"]}, "features": {{\n{features}\n}}}}')
    path.write_text("{\n" + ",\n".join(lines) + ',\n"families": {\n' + ",\n".join(families) + "\n}}\n", encoding="utf-8")
    model_of(json.loads(path.read_text("utf-8")))


if __name__ == "__main__":
    sys.exit(main())
