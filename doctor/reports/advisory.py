"""An advisory in words."""

from __future__ import annotations

from doctor.knowledge.matrix import Advisory, AffectedRange, Matrix


def rows_of(advisory: Advisory, matrix: Matrix) -> list[tuple[str, str]]:
    """All of an advisory: a label and a text each; a label that is empty goes on where the last one stood."""
    rows = [("slug", advisory.slug), ("kind", advisory.kind), ("severity", advisory.severity)]
    for affected in advisory.affected:
        checked = matrix.packages[affected.package].checked_up_to
        rows.append(("affected", f"{affected.package} {ranges_in_words(affected.ranges)} (checked up to {checked})"))
        rows += [("of these", f"{affected.package} {_range(each)} only {each.only} ({', '.join(each.shapes)})") for each in affected.partly]
    rows += [("only with", each) for each in _conditions(advisory)]
    rows += [("set off by", advisory.trigger), ("", ", ".join(advisory.apis))]
    if advisory.uses is not None:
        ways = [" + ".join((*way.all_, *(f"not {each}" for each in way.without), *way.classes)) for way in advisory.uses.any_]
        rows.append(("uses", "; or ".join(ways) or f"none: {advisory.uses.none}"))
    if advisory.signature is None:
        rows.append(("shows as", "nothing: no error, no warning"))
    else:
        said = [part for part in (advisory.signature.exception, advisory.signature.message) if part is not None]
        rows.append(("shows as", ": ".join(said)))
    rows += [("cause", advisory.cause), ("workaround", advisory.workaround or "none known")]
    if advisory.avoid:
        rows.append(("do not", advisory.avoid))
    rows.append(("evidence", f"{advisory.evidence.level}: {advisory.evidence.basis}"))
    rows += [("shapes", ", ".join(advisory.evidence.shapes))] if advisory.evidence.shapes else []
    rows += [("see", reference) for reference in advisory.references]
    return rows + ([("related", ", ".join(advisory.related))] if advisory.related else [])


def _conditions(advisory: Advisory) -> list[str]:
    when = advisory.when
    conditions = []
    for each in when.packages:
        state = ranges_in_words(each.ranges) if each.ranges is not None else "installed" if each.installed else "not installed"
        conditions.append(f"{each.package} {state}")
    if when.python:
        conditions.append(f"Python {ranges_in_words(when.python)}")
    conditions += [f"platform {' or '.join(when.platform)}"] if when.platform else []
    conditions += [f"accelerator {' or '.join(when.accelerator)}"] if when.accelerator else []
    return conditions + [f"{name} set{' to ' + ' or '.join(values) if values else ''}" for name, values in when.environment.items()]


def ranges_in_words(ranges: tuple[AffectedRange, ...]) -> str:
    """Ranges of releases, oldest first."""
    return ", ".join(_range(each) for each in ranges)


def _range(each: AffectedRange) -> str:
    if each.introduced is None:
        return "every release" if each.fixed is None else f"before {each.fixed}"
    return f"from {each.introduced}, not fixed" if each.fixed is None else f"from {each.introduced}, fixed in {each.fixed}"
