"""The report for a person at a terminal: what is here, what is known to be wrong with it, what to do. Decides nothing."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from doctor.diagnosis.finding import Finding
from doctor.diagnosis.remedy import NO_UPGRADE_CURES
from doctor.diagnosis.summary import SIGNS, Outcome, exposures_sentence
from doctor.facts.environment import STACK, THIS_MACHINE, Accelerator, Environment
from doctor.facts.program import Place
from doctor.facts.sizes import size
from doctor.facts.variables import without_job
from doctor.reports.document import Report
from doctor.reports.terminal.layout import Paragraph, Part, Row, Unbroken, print_rows, print_screen, row
from doctor.upgrade.plan import Alternative, Change

FEW = 6
"""Up to so many findings are shown whole; more of them two lines each, unless they concern somebody."""
_WHOLE, _TITLED = 2, 4
"""On the first screen, so many of those that concern somebody are shown with their remedy, and so many at all; the others by id."""
_PLACES = 3
"""Of a program, so many are shown of each finding."""
_SECOND, _VERSIONS, _NEXT, _AIR, _AVOID, _DETAILS, _MACHINE = range(1, 8)
"""What is left out where the screen is full, the last first."""
_SPARE = {"run": _SECOND, "avoid": _AVOID}
"""Of the lines under a finding."""
_OUTCOME_STYLES: Mapping[Outcome, str] = {"ok": "bold green", "problem": "bold red", "unsure": "bold yellow"}
_STYLES = {"silent": "bold magenta", "error": "bold red", "warning": "yellow"}


def print_report(report: Report, console: Console, *, everything: bool = False, verbose: bool = False) -> None:
    """Print the report on `console`: a screen of what it is about, what came of it, what to do, and the counts of the rest.

    `everything` lists the exposures too; `verbose` says all there is of each finding, and every fact.
    """
    if everything or verbose:
        print_rows([*_head(report, facts=not verbose), *_whole_body(report, verbose), *_next(report, True)], console)
    else:
        print_screen([*_head(report), *_body(report), *_next(report, False)], console)


def _head(report: Report, *, facts: bool = True) -> Iterator[Row]:
    """What it is about and what came of it; with `facts` also what is here, in short."""
    yield from map(row, _examined(report.environment))
    sign = Text(f"{SIGNS[report.verdict.outcome]} ", style=_OUTCOME_STYLES[report.verdict.outcome])
    yield row(Paragraph(report.verdict.sentence, sign, "bold"))
    for fact, spare in zip(_shortly(report.environment) if facts else (), (_VERSIONS, _MACHINE), strict=False):
        yield row(Paragraph(fact, "     ", "dim"), spare=spare)


def _body(report: Report) -> Iterator[Row]:
    """What concerns somebody, and what to do about it."""
    yield from _near_findings(report)
    yield from _actions(report)
    yield from _cleared(report)
    yield from _rest(report, False)
    yield from _unknown(report, False)


def _whole_body(report: Report, verbose: bool) -> Iterator[Row]:
    yield from _all_findings(report, verbose or len(report.findings) <= FEW)
    yield from _actions(report)
    yield from _rest(report, True)
    if verbose:
        yield row(Text())
        yield row(Text("What is here", style="bold underline"))
        yield from map(row, _facts(report.environment))
    yield from _unknown(report, verbose)


def _examined(environment: Environment) -> Iterator[Unbroken]:
    """What the report is about: an interpreter, what was read, or what was read filled up with what an interpreter says."""
    python = environment.python
    filled = THIS_MACHINE in environment.sources.values()
    if environment.read_from is not None:
        name, _, formats = environment.read_from.partition(": ")
        told = f" {formats}{'' if filled else '; nothing of this machine'}"
        yield Unbroken(Text.assemble((name, "bold"), ":"), Text("Read "), Text(told))
    if python.executable is not None:
        verb = "Examined" if environment.read_from is None else "Gaps filled from" if filled else "It is about"
        version = f"{python.implementation or 'Python'} {python.version or 'of unknown version'}"
        yield Unbroken(Text(python.executable, style="bold"), Text(f"{verb} "), Text(f" ({version}): {python.chosen_because}"))


# In one or two lines


def _shortly(environment: Environment) -> Iterator[str]:
    """The stack, and what it runs on; only what is known."""
    if not any(environment.installed(name) for name in STACK):
        return
    versions = [f"{name} {_package(name, environment, sources=False)}" for name in STACK if environment.installed(name) is not None]
    if versions:
        yield ", ".join(versions)
    rows = dict(_machine_facts(environment))
    torch = environment.torch
    if torch.importable is False or (torch.cuda_available is None and "CUDA" in rows):
        machine = [f"CUDA: {rows['CUDA']}"] if "CUDA" in rows and "torch" in environment.packages else []
    else:
        devices = dict.fromkeys(each.name for each in environment.accelerators)
        machine = [", ".join(devices) or "no GPU that torch can use"] if "CUDA" in rows else []
    machine += [f"RAM {rows['RAM']}"] if "RAM" in rows else []
    machine += [_assignments(alone)] if (alone := without_job(environment.variables)) else []
    if machine:
        yield "; ".join(machine)


# What is here


def _facts(environment: Environment) -> Iterator[Paragraph]:
    names = (*STACK, *sorted((environment.packages.keys() | set(environment.absent)) - set(STACK)))
    rows = [*((name, _package(name, environment)) for name in names), *_machine_facts(environment)]
    widest = max(len(label) for label, _ in rows)
    for label, value in rows:
        yield Paragraph(value, f"  {label:<{widest}}  ")


def _package(name: str, environment: Environment, *, sources: bool = True) -> str:
    distribution = environment.packages.get(name)
    source = environment.sources.get(f"packages.{name}.version") or environment.sources.get(f"packages.{name}")
    if distribution is not None:
        version = distribution.shown_version or "version unknown"
        shown = version if distribution.origin == "index" else f"{version} ({distribution.origin} install)"
    else:
        unknown = "unknown" if environment.read_from is None else "not stated"
        shown = unknown if environment.installed(name) is None else "not installed"
    return f"{shown}  [{source}]" if source and sources else shown


def _machine_facts(environment: Environment) -> Iterator[tuple[str, str]]:
    """What is known beside packages; of a text only what it says."""
    rows = {"CUDA": _cuda(environment), **_machine(environment)}
    if environment.read_from is None or environment.python.executable is not None:
        yield from rows.items()
        return
    python, system = environment.python.version, environment.platform.system
    said = {
        "CUDA": environment.torch.cuda_available is not None,
        "accelerators": bool(environment.accelerators),
        "GPU driver": bool(environment.drivers),
        "RAM": environment.memory.total is not None,
        "platform": system != "unknown",
        "variables": bool(environment.variables),
    }
    if python is not None:
        yield "Python", python
    yield from ((label, value) for label, value in rows.items() if said.get(label))


def _machine(environment: Environment) -> Mapping[str, str]:
    memory, disk = environment.memory, environment.disk
    drivers = [f"{each.vendor} {each.version or 'of unknown version'}{_serves(each.cuda_version)}" for each in environment.drivers]
    limit = f", limited to {_size(memory.limit)} by {memory.limit_source}" if memory.limit is not None else ""
    available = f", {_size(memory.available)} available" if memory.available is not None or environment.read_from is None else ""
    rows = {
        "accelerators": ", ".join(map(_accelerator, environment.accelerators)) or "none",
        "GPU driver": ", ".join(drivers) or "none found",
        "RAM": f"{_size(memory.total)}{available}{limit}",
        "disk": f"{_size(disk.free)} free in {disk.path}",
        "platform": f"{environment.platform.system} {environment.platform.machine or ''}".rstrip(),
    }
    if environment.variables:
        rows["variables"] = _assignments(environment.variables)
    return rows


def _assignments(variables: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in variables.items())


def _cuda(environment: Environment) -> str:
    torch = environment.torch
    if "torch" not in environment.packages:
        return "torch is not installed"
    if torch.importable is None:
        return f"torch did not answer: {torch.error}" if torch.error else "not asked (--no-live)"
    if not torch.importable:
        return f"torch cannot be imported: {torch.error}"
    built = _built(environment)
    if torch.cuda_available:
        return f"available{built}"
    because = torch.cuda_unavailable_because or ("torch did not finish answering" if torch.cuda_available is None else "")
    return f"not available{built}{f' ({because})' if because else ''}"


def _built(environment: Environment) -> str:
    """For what torch is built; a text that names neither CUDA nor ROCm has not said that it is for neither."""
    torch = environment.torch
    if torch.cuda_built or torch.hip_built:
        return f"; torch is built for {f'CUDA {torch.cuda_built}' if torch.cuda_built else f'ROCm {torch.hip_built}'}"
    known = environment.read_from is None or (torch.version or "").endswith("+cpu")
    return "; torch is built for the CPU only" if known else ""


def _accelerator(each: Accelerator) -> str:
    known = [f"{_size(each.memory_total)}" if each.memory_total is not None else ""]
    known += [f"{_size(each.memory_free)} free" if each.memory_free is not None else "", f"seen by {each.seen_by}"]
    return f"{each.name} ({', '.join(part for part in known if part)})"


def _serves(cuda_version: str | None) -> str:
    return f" (CUDA up to {cuda_version})" if cuda_version else ""


def _size(count: int | None) -> str:
    return "unknown" if count is None else size(count)


# What is known to be wrong


@dataclass(frozen=True)
class _Section:
    """Findings with one remedy."""

    title: str
    findings: tuple[Finding, ...]


def _all_findings(report: Report, whole: bool) -> Iterator[Row]:
    """Every finding, in sections."""
    sections = list(_sections(report.findings, report))
    for section in sections:
        yield row(Text())
        if len(sections) > 1 or not section.findings[0].concerns_somebody:  # else the verdict has just said so
            yield row(Paragraph(section.title, "", style="bold"))
        for finding in section.findings:
            yield row(_title(finding), *_places(finding, 20 if whole else _PLACES))
            if whole or finding.concerns_somebody:
                yield row(*map(_line, _whole(finding) if whole else _near(finding)))
            else:
                yield row(*(_line(each, one_line=True) for each in _brief(finding)))


def _near_findings(report: Report) -> Iterator[Row]:
    """Those that concern somebody, or may: a few with their remedy, a few more by title, the rest by id."""
    sections = list(_sections([each for each in report.findings if each.concerns_somebody or each.places], report))
    numbers = itertools.count()
    others = []
    for section in sections:
        yield row(Text(), spare=_AIR if section is not sections[0] else 0)
        if len(sections) > 1 or not section.findings[0].concerns_somebody:
            yield row(Paragraph(section.title, "", style="bold"))
        for finding in section.findings:
            number = next(numbers)
            if number < _WHOLE:
                yield from _spelt_out(finding, _SECOND if number else 0)
            elif number < _TITLED:
                yield row(_title(finding, one_line=True))
            else:
                others.append(finding.id)
    if next(numbers) > _WHOLE:
        yield row(Paragraph(f"{'and ' if others else ''}{', '.join(others)}{'; ' if others else ''}-v shows each whole"))


def _cleared(report: Report) -> Iterator[Row]:
    cleared = [each.id for each in report.findings if each.status == "cleared" and not each.places]
    if cleared:
        yield row(Text(), spare=_AIR)
        yield row(Paragraph(f"Cleared here, as the versions match but the reproducer passed: {', '.join(cleared)}.", ""))


def _spelt_out(finding: Finding, spare: int) -> Iterator[Row]:
    """As the first screen has it: its title and its first place always."""
    yield row(_title(finding))
    for number, place in enumerate(finding.places[:_PLACES]):
        yield row(*_place(place), spare=_DETAILS if number else 0)
    for line in _near(finding) if finding.concerns_somebody else _brief(finding):
        yield row(_line(line, one_line=line[0] == "run"), spare=spare if line[0] in ("found", "remedy") else _SPARE.get(line[0], _DETAILS))


def _sections(shown: Sequence[Finding], report: Report) -> Iterator[_Section]:
    """Every finding that is shown in exactly one section: by whom it concerns, exposures by remedy."""
    left = list(shown)

    def take(title: str, findings: Iterable[Finding]) -> Iterator[_Section]:
        taken = tuple(each for each in findings if each in left)
        for each in taken:
            left.remove(each)
        if taken:
            yield _Section(title, taken)

    yield from take("Cleared here: the versions match, but the reproducer passed:", [each for each in left if each.status == "cleared"])
    yield from take("This program sets these off:", [each for each in left if each.concerns == "program"])
    yield from take("Wrong with this environment, whatever is run in it:", [each for each in left if each.concerns == "environment"])
    yield from take(
        "This program may set these off; what decides is not in the code:", [each for each in left if each.concerns == "possible-use" and each.places]
    )
    yield from take("May be wrong here; a fact is missing to be sure:", [each for each in left if each.concerns == "possible-use"])
    for change in (*report.upgrade.changes, *report.upgrade.exposures.changes):
        title = f"Only for what uses it; {change.package} {change.to} is without:"
        yield from take(title, [each for each in left if each.id in change.clears])
    yield from take("Only for what uses it; may hold here, but a fact is missing:", [each for each in left if each.status == "possible"])
    curable = [each for each in left if each.kind not in NO_UPGRADE_CURES]
    fixed = [each for each in curable if each.fixed_in is not None]
    yield from take("Only for what uses it; fixed in later releases, none of which can be recommended here:", fixed)
    yield from take("Only for what uses it; no release fixes these yet:", curable)
    yield from take("Only for what uses it; no upgrade cures these: how models are used, and what fits:", list(left))


_INSET = " " * 8


def _title(finding: Finding, *, one_line: bool = False) -> Paragraph:
    severity = (f"{finding.severity:<7}", _STYLES[finding.severity])
    confirmed = "confirmed: " if finding.status == "confirmed" else ""
    return Paragraph(confirmed + finding.title, Text.assemble("  ", (finding.id, "bold"), " ", severity, " "), one_line=one_line)


_Line = tuple[str, str]
"""What stands under a finding's title: its name and its text."""


def _brief(finding: Finding) -> Iterator[_Line]:
    """For what an upgrade may cure, what sets it off; how not to use a model is in the title. Of what a program may do, what is not in its code."""
    if finding.places:
        yield from (("unsure", fact) for fact in finding.missing[:1])
    elif finding.observed is not None:
        yield "run", finding.observed
    elif finding.kind not in NO_UPGRADE_CURES:
        yield "when", finding.trigger


def _near(finding: Finding) -> Iterator[_Line]:
    """What concerns somebody, as the first screen has it: what was found, and what to do."""
    if finding.kind == "installation":
        yield "found", finding.trigger
    if finding.observed:
        yield "run", finding.observed
    remedy, _, avoid = finding.remedy.partition(" Avoid: ")
    yield "remedy", remedy
    if avoid:
        yield "avoid", avoid
    if finding.kind == "installation":
        yield from (("see", reference) for reference in finding.references[:1])


def _places(finding: Finding, most: int) -> Iterator[Part]:
    """Where the program sets it off, as compilers say it: the place, and its line."""
    for place in finding.places[:most]:
        yield from _place(place)
    if len(finding.places) > most:
        yield Paragraph(f"and {len(finding.places) - most} more places", _INSET, style="dim")


def _place(place: Place) -> Iterator[Part]:
    sure = "" if place.sure == "certain" else f"  ({place.sure})"
    yield Unbroken(Text(f"{place.file}:{place.line}:{place.column}", style="cyan"), Text(_INSET), Text(sure, style="dim"))
    yield Paragraph(place.source, f"{_INSET}    ", one_line=True)
    yield Paragraph("^", f"{_INSET}    {' ' * place.offset}", style="green", one_line=True)


def _whole(finding: Finding) -> Iterator[_Line]:
    yield "found" if finding.kind == "installation" else "when", finding.trigger
    if finding.observed:
        yield "run", finding.observed
    yield "remedy", finding.remedy
    yield from (("unsure", f"depends on {fact}") for fact in finding.missing)
    yield from (("see", reference) for reference in finding.references[:1])


def _line(line: _Line, *, one_line: bool = False) -> Part:
    name, text = line
    lead = Text(f"{_INSET}{name + ':':<8}", style="dim")
    return Unbroken(Text(text), lead) if name == "see" else Paragraph(text, lead, one_line=one_line)


# What to do


def _actions(report: Report) -> Iterator[Row]:
    """The command for what counts, and why it is this one; an installation is mended first: its remedy stands with its finding."""
    upgrade = report.upgrade
    if upgrade.command is not None:
        yield row(Text())
        yield row(Unbroken(Text(f"  {upgrade.command}", style="bold green")))
    for change in (each for each in upgrade.changes if len(each.clears) > 1 or each.passed_over or each.brings):
        yield row(Paragraph(f"{change.package} {change.to} clears {_ids(change.clears)}{_why_not_nearer(change)}.{_brought(change)}"))
    curable = [each for each in report.findings if each.id in upgrade.remaining and each.kind in ("bug", "incompatibility")]
    if curable and not upgrade.changes:
        why = "every later release brings something new" if upgrade.alternatives else "no release that is known clears these"
        yield row(Paragraph(f"No upgrade is recommended: {why}."))
    for each in upgrade.alternatives if curable else ():
        yield row(
            Paragraph(f"Not recommended: {each.package} {each.version}{' (the newest)' if each.newest else ''} {_price(each)}."), spare=_DETAILS
        )


def _why_not_nearer(change: Change) -> str:
    """Why not the first release with the fix."""
    if change.passed_over is None or not change.passed_over.brings:
        return ""
    return f"; so does {change.passed_over.version}, but it brings {_ids(change.passed_over.brings)}"


def _brought(change: Change) -> str:
    return f" It brings {_ids(change.brings)}, which bite only what uses them." if change.brings else ""


def _price(alternative: Alternative) -> str:
    """What it clears, and what that costs."""
    clears = f"would clear {_ids(alternative.clears)}" if alternative.clears else "would clear nothing"
    costs = [("brings", alternative.brings), ("keeps", alternative.keeps)]
    return f"{clears}, but {' and '.join(f'{verb} {_ids(ids)}' for verb, ids in costs if ids)}"


def _ids(ids: Sequence[str], most: int = 6) -> str:
    shown = ", ".join(ids[:most])
    return shown if len(ids) <= most else f"{shown} and {len(ids) - most} more"


# The rest, in counts


def _rest(report: Report, everything: bool) -> Iterator[Row]:
    """What concerns nobody as far as is known, and what upgrades would do for it: two lines at most."""
    sentence = exposures_sentence(report.summary)
    if sentence:
        yield row(Text(), spare=_AIR)
        silent = sum(each.severity == "silent" and not each.concerns_somebody and each.status != "cleared" for each in report.findings)
        how = "" if everything else " doctor --all lists them."
        yield row(Paragraph(f"{sentence} {_silent(silent)}{how}".replace("  ", " "), ""))
        if told := [*map(_cleared_by, report.upgrade.exposures.changes), *map(_costs, _newest(report))]:
            yield row(Paragraph(f"Of these, {'; '.join(told[:2])}.", ""), spare=_MACHINE)
    if report.summary.waived:
        yield row(Paragraph(f"{report.summary.waived} more {'is' if report.summary.waived == 1 else 'are'} ignored or in the baseline.", ""))


def _silent(count: int) -> str:
    return f"{count} of them {'gives' if count == 1 else 'give'} no error." if count else ""


def _newest(report: Report) -> Iterator[Alternative]:
    """What "just upgrade to the latest" would give."""
    return (each for each in report.upgrade.exposures.alternatives if each.newest and each.clears)


def _cleared_by(change: Change) -> str:
    return f"{change.package} {change.to} is without {len(change.clears)} and brings none"


def _costs(alternative: Alternative) -> str:
    what = f"{alternative.package} {alternative.version}{' (the newest)' if alternative.newest else ''}"
    return f"{what} is without {len(alternative.clears)} and brings {len(alternative.brings)} others"


def _unknown(report: Report, verbose: bool) -> Iterator[Row]:
    """Every fact that could not be had with `verbose`; else those that could have changed the answer, and how many more."""
    said = report.verdict.sentence.lower()
    important = [each for each in report.environment.unknown if each.important and each.reason.lower() not in said]
    unknown = report.environment.unknown if verbose else important
    facts: dict[str, list[str]] = {}
    for each in unknown:
        facts.setdefault(each.reason, []).append(each.fact)
    told = [f"{', '.join(names)}: {reason}" for reason, names in facts.items()]
    if verbose and told:
        yield row(Text())
        yield row(Text("What could not be determined", style="bold"))
        yield from (row(Paragraph(each)) for each in told)
    elif told:
        more = len(report.environment.unknown) - len(next(iter(facts.values())))
        others = f"; and {more} fact{'' if more == 1 else 's'} more: -v" if more else ""
        yield row(Text(), spare=_AIR)
        yield row(Paragraph(f"Could not be determined: {told[0]}{others}", ""))


def _next(report: Report, everything: bool) -> Iterator[Row]:
    """The commands to go on with."""
    environment = report.environment
    python = f" --python {environment.python.executable}" if environment.python.chosen_because == "named with --python" else ""
    rows = [("a failure you have", "doctor explain FILE")]
    if report.upgrade.fix is not None:
        rows.insert(0, ("to cure it", report.upgrade.fix))
    here = environment.read_from is None
    if here and not any(environment.installed(name) for name in STACK):
        rows.append(("another environment", "doctor --python PATH"))
    elif here:
        if report.program is None and report.summary.concerns["exposure"]:
            rows.append(("which your code meets", f"doctor check PROGRAM{python}"))
        if not report.observations:
            rows.append(("is it really so here", f"doctor confirm{python}"))
        rows.append(("for a bug report", f"doctor report{python} -o report.md"))
    advisories = [each.id for each in report.findings if each.kind != "installation"]
    if everything and advisories:
        rows.append(("one of them, whole", f"doctor matrix show {advisories[0]}"))
    widest = max(len(label) for label, _ in rows) + 1
    yield row(Text(), spare=_AIR)
    for number, (label, command) in enumerate(rows):
        yield row(Unbroken(Text(command), Text(f"{label + ':':<{widest}} ", style="dim")), spare=_NEXT if number else 0)
