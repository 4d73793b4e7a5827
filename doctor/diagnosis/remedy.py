"""What to do about an advisory that holds: sentences made of what the matrix says and what the plan recommends. Pure."""

from __future__ import annotations

import re
from collections.abc import Container

from doctor.facts.environment import Environment
from doctor.knowledge.matching import Match
from doctor.knowledge.matrix import Advisory
from doctor.upgrade.plan import Change, movable

NO_UPGRADE_CURES = ("misuse", "resource")
"""Kinds of advisory whose ranges say how the problem shows, not where it is cured: the caller must change, or more memory be had."""


def remedy_for(advisory: Advisory, found: Match, change: Change | None, environment: Environment, held: Container[str]) -> str:
    """What an upgrade does, what to do without one, what not to do.

    `change` is the recommended one that clears the advisory; None: none does. `held` are the ids of what holds before any change.
    """
    upgrade = _upgrade_remedy(advisory, found, change, environment, held)
    if advisory.workaround is None:
        parts = [upgrade, "No workaround is known."]
    elif change is not None:
        parts = [upgrade, f"Without upgrading: {_sentence(advisory.workaround, capital=False)}"]
    else:
        parts = [upgrade, _sentence(advisory.workaround)]
    if found.only is not None:
        parts.insert(0, f"{found.package} {found.installed} has it only {_sentence(found.only, capital=False)}")
    if advisory.avoid:
        parts.append(f"Avoid: {_sentence(advisory.avoid, capital=False)}")
    return " ".join(parts)


def _upgrade_remedy(advisory: Advisory, found: Match, change: Change | None, environment: Environment, held: Container[str]) -> str:
    """The upgrade to make, never just the release in which the problem ends: another may have begun there."""
    if advisory.kind in NO_UPGRADE_CURES:
        return "No upgrade cures this."
    if change is not None:
        return f"Upgrade {change.package} to {change.to}."
    if found.fixed_in is not None and not movable(environment.packages[found.package], environment):
        return f"Fixed in {found.package} {found.fixed_in}: install it in the build for this machine, which is left to you."
    if found.fixed_in is not None and advisory.id not in held:
        return f"Fixed in {found.package} {found.fixed_in}."
    if found.fixed_in is not None:
        return f"Fixed in {found.package} {found.fixed_in}, but no release with the fix can be recommended here."
    return f"No release of {found.package} fixes this yet."


def _sentence(text: str, capital: bool = True) -> str:
    """`text` with a full stop, and a capital unless it begins with code."""
    plain_word = re.match(r"^[a-z]{1,80}(?=[\s,;:])", text) is not None
    return (text[0].upper() + text[1:] if capital and plain_word else text) + ("" if text.endswith((".", "!", "?")) else ".")
