"""Fit the weights `doctor explain` judges by to labelled reports: writes data/causes.json, with what was measured.

    python tools/fit_causes.py FOLDER [--measure]

FOLDER holds reports-2.jsonl and, labelled with older names of causes, reports-1b.jsonl, cases.jsonl and cases-labels.jsonl; its
root-causes-2.md defines the causes. None of them is part of this repository: only the fitted numbers are. Needs numpy and scipy.

Scores are cross-validated by repository, so that no thread stands on both sides, and nested: what is chosen (how strong the
regularisation is, how sharp the confidence is) is chosen within the other folds. `--measure`
prints them, and what each family of features adds, and writes nothing.
"""

from __future__ import annotations

import argparse
import collections
import json
import random
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize

from doctor.explain.causes import PROVEN, Known, cases_of, evidence, seen_of
from doctor.explain.explanation import NOT_OURS, UNKNOWN, Clues
from doctor.explain.features import words_of
from doctor.explain.model import Seen, model_of
from doctor.explain.text import TextReader
from doctor.facts.symptom import Failure
from doctor.knowledge.matrix import Matrix
from doctor.knowledge.matrix_file import builtin_file, load_matrix
from doctor.knowledge.releases import known_releases

Array = Any
"""A numpy array: numpy is no dependency of doctor's, and so its types are not known where it is checked."""
_FOLDS, _INNER = 10, 4
_LENGTHS = {"words": 1.0, "observations": 1.5, "frames": 1.0}
_STRENGTHS = (0.01, 0.03)
_SIGNS = 1.0
"""How much the signs' own weights count: in full, and what is fitted corrects them."""
_OTHERS = 0.6
"""How much a report labelled with older names counts."""
_NEAR_MISSES = 2.0
"""How much one that is not of the family counts: among the labelled they are rarer than among what people ask."""
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
    basis: str = ""
    language: str = ""
    traceback: bool = False


# Reading


def read_reports(folder: Path, matrix: Matrix) -> tuple[list[Report], list[Report]]:
    """The labelled reports, and others that only help to learn."""
    own = [
        replace(
            _observed(line["text"], matrix),
            causes=tuple(line["from_text"]["causes"]) if line["from_text"]["decidable"] else (UNKNOWN,),
            truth=line["truth"]["cause"],
            thread=_thread(line["url"]),
            basis=line["truth"]["basis"],
            language=line["lang"],
            traceback=line["has_traceback"],
            weight=_NEAR_MISSES if line["from_text"]["causes"] == [NOT_OURS] else 1.0,
        )
        for line in _lines(folder / "reports-2.jsonl")
    ]
    others = [
        _older(line["text"], line["old_causes"] if line["decidable"] else [UNKNOWN], line, matrix) for line in _lines(folder / "reports-1b.jsonl")
    ]
    labels = {line["i"]: line for line in _lines(folder / "cases-labels.jsonl")}
    for number, line in enumerate(_lines(folder / "cases.jsonl")):
        if number in labels:
            names = labels[number]["causes"] if labels[number]["decidable"] else [UNKNOWN]
            others.append(_older(f"{line['title']}\n\n{line['excerpt']}", names, line, matrix))
    for name, section in re.findall(r"^## ([a-z0-9-]+)\n(.*?)(?=^## )", (folder / "root-causes-2.md").read_text("utf-8"), re.MULTILINE | re.DOTALL):
        said = "\n".join(re.findall(r"^- (?:definition|signs): (.*)", section, re.MULTILINE))
        if said:
            words = frozenset(word for line in said.split("\n") for word in words_of(line))
            observed = _observed(said, matrix).seen["observations"]
            others.append(Report((name,), None, "", {"words": words, "observations": observed, "frames": frozenset()}, weight=_OTHERS))
    return own, others


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
    values, axes = np.linalg.eigh(vectors @ vectors.T)
    kept = values > 1e-6
    values, axes = values[kept], axes[:, kept]
    inputs = axes * np.sqrt(values)
    size, number = inputs.shape[1], wanted.shape[1]

    def loss(flat: Array) -> tuple[float, Array]:
        coefficients, intercepts = flat[: size * number].reshape(size, number), flat[size * number :]
        shares = softmax(inputs @ coefficients + intercepts + offset)
        gradient = (shares - wanted) * weights[:, None]
        penalty = strength / 2 * float((coefficients**2).sum())
        value = -float((weights[:, None] * wanted * np.log(shares + 1e-12)).sum()) + penalty
        return value, np.concatenate([(inputs.T @ gradient + strength * coefficients).ravel(), gradient.sum(0)])

    found = minimize(loss, np.zeros(size * number + number), jac=True, method="L-BFGS-B", options={"maxiter": 120}).x
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


def chosen(own: Sequence[Report], others: Sequence[Report], causes: Sequence[str], most: int | None) -> tuple[Setting, float]:
    """The setting that is right most often on threads left out, and its sharpness."""
    tried = [(setting, held_out(own, others, causes, setting, _INNER)) for setting in (Setting(each, _SIGNS, most=most) for each in _STRENGTHS)]
    best, scores = max(tried, key=lambda each: right(own, causes, each[1]))
    return best, sharpness(own, causes, scores)


def nested(own: Sequence[Report], others: Sequence[Report], causes: Sequence[str], most: int | None) -> Array:
    """The confidence in each cause for each report, everything chosen and fitted without its thread."""
    shares = np.zeros((len(own), len(causes)))
    where = folds(own, _FOLDS)
    for fold in range(_FOLDS):
        out = [position for position, each in enumerate(where) if each == fold]
        threads = {own[position].thread for position in out}
        learned, helping = ([each for each in group if each.thread not in threads] for group in (own, others))
        setting, factor = chosen(learned, helping, causes, most)
        shares[out] = softmax(factor * fitted([*learned, *helping], causes, setting).scores([own[position] for position in out], causes))
    return with_proofs(shares, own, causes)


def with_proofs(shares: Array, reports: Sequence[Report], causes: Sequence[str]) -> Array:
    """What is proven before all else, as `judged` has it."""
    proven = np.array([[each.proofs.get(name, 0.0) > 0 for name in causes] for each in reports])
    total = (shares * proven).sum(1, keepdims=True)
    share = np.where(proven, PROVEN / np.maximum(total, 1e-9), (1 - PROVEN) / np.maximum(1 - total, 1e-9))
    return np.where(total > 0, shares * share, shares)


def measured(own: Sequence[Report], causes: Sequence[str], shares: Array) -> dict[str, Any]:
    """What the confidences are worth."""
    rows = [(each, causes[row[:-1].argmax()], float(row[:-1].max())) for each, row in zip(own, shares, strict=True)]
    ours = [row for row in rows if row[0].causes not in ((UNKNOWN,), (NOT_OURS,))]
    near = [row for row in rows if row[0].causes == (NOT_OURS,)]
    undecidable = [row for row in rows if row[0].causes == (UNKNOWN,)]

    def part(chosen: Sequence[Any], holds: Callable[[Any], bool]) -> float | None:
        return round(sum(map(holds, chosen)) / len(chosen), 3) if chosen else None

    def is_right(row: Any) -> bool:
        return row[1] in row[0].causes

    sure = [row for row in ours if row[2] >= 0.5 and row[1] != NOT_OURS]
    return {
        "reports": len(rows),
        "decidable": part([row for row in rows if row[0].causes != (UNKNOWN,)], is_right),
        "ours": part(ours, is_right),
        "answered": part(ours, lambda row: row in sure),
        "right where answered": part(sure, is_right),
        "near misses called ours": part(near, lambda row: row[1] != NOT_OURS and row[2] >= 0.5),
        "undecidable answered": part(undecidable, lambda row: row[1] != NOT_OURS and row[2] >= 0.5),
        "with traceback": part([row for row in ours if row[0].traceback], is_right),
        "without traceback": part([row for row in ours if not row[0].traceback], is_right),
        "truth stated or in frames": part([row for row in ours if row[0].basis in ("stated", "frames")], is_right),
        "English": part([row for row in ours if row[0].language == "en"], is_right),
        "other languages": part([row for row in ours if row[0].language != "en"], is_right),
        "calibration error": calibration_error(rows),
    }


def calibration_error(rows: Sequence[Any], bins: int = 10) -> float:
    """How far confidence is from how often it is right, on average (expected calibration error)."""
    total = 0.0
    for number in range(bins):
        here = [row for row in rows if number / bins <= row[2] < (number + 1) / bins + (number == bins - 1)]
        if here:
            total += abs(sum(row[2] for row in here) - sum(row[1] in row[0].causes for row in here))
    return round(total / max(len(rows), 1), 3)


def ablation(own: Sequence[Report], others: Sequence[Report], causes: Sequence[str], setting: Setting) -> dict[str, float]:
    """What is right with some of the features only."""
    parts = {
        "words": replace(setting, families=("words",), signs=0.0),
        "words and observations": replace(setting, families=("words", "observations"), signs=0.0),
        "words, observations and frames": replace(setting, signs=0.0),
        "all, with the signs' own weights": setting,
        "all, without words": replace(setting, families=("observations", "frames")),
    }
    ours = [each for each in own if each.causes not in ((NOT_OURS,), (UNKNOWN,))]
    found = {}
    for name, each in parts.items():
        scores = held_out(own, others, causes, each, _FOLDS)
        rows = [row for report, row in zip(own, scores, strict=True) if report.causes not in ((NOT_OURS,), (UNKNOWN,))]
        found[name] = round(right(ours, causes, np.array(rows)), 3)
    return found


# Writing


def table(model: Fitted, causes: Sequence[str], factor: float, about: dict[str, Any]) -> dict[str, Any]:
    """What data/causes.json holds."""
    families: dict[str, Any] = {family: {"length": _LENGTHS[family], "features": {}} for family in model.setting.families}
    for (family, name), number in model.space.index.items():
        rarity = float(model.space.rarity[number])
        row = {cause: round(float(value), 2) for cause, value in zip(causes, model.coefficients[number], strict=True)}
        families[family]["features"][name] = [round(rarity, 2), {cause: value for cause, value in row.items() if value}]
    intercepts = {cause: round(float(value), 2) for cause, value in zip(causes, model.intercepts, strict=True)}
    return {"about": about, "signs": model.setting.signs, "sharpness": round(factor, 2), "intercepts": intercepts, "families": families}


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit, measure and write; returns the exit code."""
    parser = argparse.ArgumentParser(description="Fit what `doctor explain` judges by.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--measure", action="store_true", help="print what it is worth, and write nothing")
    parser.add_argument("--most", type=int, default=1500, help="so many words and frames are kept (default 1500)")
    options = parser.parse_args(arguments)
    matrix = load_matrix()
    own, others = read_reports(options.folder, matrix)
    causes = [*sorted({cause.name for cause in matrix.causes} | {NOT_OURS}), UNKNOWN]
    setting, factor = chosen(own, others, causes, options.most)
    scores = measured(own, causes, nested(own, others, causes, options.most))
    parts = ablation(own, others, causes, setting)
    about = {
        "fitted on": f"{len(own)} public reports, and {len(others)} others labelled with older names",
        "strength": setting.strength,
        "scores": scores,
        "families of features": parts,
    }
    print(json.dumps(about, indent=2))
    if not options.measure:
        written = table(fitted([*own, *others], causes, setting), causes, factor, about)
        _write(written, builtin_file().parent / "causes.json")
    return 0


def _write(data: dict[str, Any], path: Path) -> None:
    """One feature a line."""
    lines = [f'"{key}": {json.dumps(data[key], ensure_ascii=False)}' for key in ("about", "signs", "sharpness", "intercepts")]
    for family, each in data["families"].items():
        features = ",\n".join(f"{json.dumps(name, ensure_ascii=False)}: {json.dumps(value)}" for name, value in each["features"].items())
        lines.append(f'"{family}": {{"length": {each["length"]}, "features": {{\n{features}\n}}}}')
    head, families = lines[:4], lines[4:]
    path.write_text("{\n" + ",\n".join(head) + ',\n"families": {\n' + ",\n".join(families) + "\n}}\n", encoding="utf-8")
    model_of(json.loads(path.read_text("utf-8")))


if __name__ == "__main__":
    sys.exit(main())
