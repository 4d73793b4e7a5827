"""Which known problems a program walks into: the uses it shows held against those an advisory needs. Pure."""

from __future__ import annotations

from itertools import product

from doctor.facts.frozen import Frozen, replace
from doctor.facts.model import Model
from doctor.facts.program import SURENESS, Place, Program, Subject, Use, may_follow, weakest
from doctor.knowledge.matrix import Advisory
from doctor.knowledge.uses import VOCABULARY, Way, may_be_class

_MOST_CANDIDATES = 6
"""So many places where the same is done are tried, for a way from the first of what is needed to the last."""
_MOST_PLACES = 20
"""Of one finding; a program that does the same in a thousand places is told of the first."""


class Walk(Frozen):
    """How a program sets an advisory off, or may."""

    places: tuple[Place, ...]
    """Where, one for each model or class, the surest first."""
    missing: tuple[str, ...] = ()
    """What no code shows and it would take to be sure; empty when the program does set it off."""


class _Met(Frozen):
    """How one subject goes one way."""

    place: Place
    missing: tuple[str, ...]


def walk_into(advisory: Advisory, program: Program, model: Model | None = None) -> Walk | None:
    """How `program`, which loads `model` (None: which one is not known), sets `advisory` off, or may; None when it shows nothing of it."""
    if advisory.uses is None:
        return None
    variables = _variables(advisory, program) if advisory.when.environment else ()
    if variables is None:
        return None
    ways = advisory.uses.any_
    hidden = {(each.file, each.line) for each in program.ignored if not each.ids or advisory.id in each.ids}
    met = [found for subject in program.subjects for way in ways if (found := _meets(subject, way, model)) is not None]
    met = [each for each in met if (each.place.file, each.place.line) not in hidden]
    if not met:
        return None
    least = min(len(each.missing) for each in met)
    best = [each for each in met if len(each.missing) == least]
    places = sorted(
        dict.fromkeys((*(each.place for each in best), *variables)), key=lambda each: (SURENESS.index(each.sure), each.file, each.line, each.column)
    )
    missing = best[0].missing
    launched = next((each.file for each in variables if each.sure == "possible"), None)
    if launched is not None:
        missing += (f"is the program launched with {launched}?",)
    elif not least and places[0].sure == "possible":
        missing = ("whether the program comes to do that: a value could not be followed",)
    return Walk(tuple(places[:_MOST_PLACES]), missing)


def _variables(advisory: Advisory, program: Program) -> tuple[Place, ...] | None:
    """Where the program sets the variables that set the advisory off; None when it does not set all of them."""
    places = []
    for name, values in advisory.when.environment.items():
        right = [each.place for each in program.variables if each.name == name and (not values or each.value.lower() in values)]
        if not right:
            return None
        places.append(right[0])
    return tuple(places)


def _meets(subject: Subject, way: Way, model: Model | None) -> _Met | None:
    """How a subject goes a way; None when it does not. The place is that of the last thing it does, which is where it fails."""
    missing: list[str] = []
    candidates: list[list[Use]] = []
    for word in way.all_:
        uses = subject.by(word)
        if uses:
            candidates.append(uses[:_MOST_CANDIDATES])
        elif model is not None and word in model.holds and VOCABULARY[word].kind in ("unseen", "rare"):
            continue
        elif VOCABULARY[word].kind != "unseen" or (model is not None and word in model.lacks):
            return None
        else:
            missing.append(VOCABULARY[word].meaning)
    if any(subject.by(word) for word in way.without):
        return None
    used = next((each for each in product(*candidates) if may_follow(each)), None)
    if used is None:
        return None
    if way.classes:
        named = _is_class(subject.name, way.classes, model)
        if named is False:
            return None
        if named is None:
            missing.append(f"is the model that is loaded one of {', '.join(way.classes)}?")
    last = used[-1]
    return _Met(replace(last.place, sure=weakest(each.place for each in used), use=last.word), tuple(missing))


def _is_class(name: str, classes: tuple[str, ...], model: Model | None) -> bool | None:
    """Whether a class that is loaded is one of these; an Auto class loads what the model was saved from."""
    answers = [may_be_class(each, classes) for each in (name, *(model.architectures if model is not None and name.startswith("AutoModel") else ()))]
    return True if True in answers else None if answers[0] is None and (model is None or not model.architectures) else False
