"""The report for a person at a terminal: what is here, what is known to be wrong with it, what to do. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.text import Text

from doctor.diagnosis.finding import Finding
from doctor.diagnosis.remedy import NO_UPGRADE_CURES
from doctor.diagnosis.summary import SIGNS, Outcome, exposures_sentence
from doctor.facts.environment import STACK, THIS_MACHINE, Accelerator, Environment
from doctor.reports.document import Report
from doctor.reports.terminal.layout import Paragraph, heading
from doctor.upgrade.plan import Alternative, Change

FEW = 6
"""Up to so many findings are shown whole; more of them two lines each, unless they concern somebody."""
_OUTCOME_STYLES: Mapping[Outcome, str] = {"ok": "bold green", "problem": "bold red", "unsure": "bold yellow"}
_STYLES = {"silent": "bold magenta", "error": "bold red", "warning": "yellow"}


def print_report(report: Report, console: Console, *, everything: bool = False, verbose: bool = False) -> None:
    """Print the report on `console`: what it is about, what came of it, what to do, and the counts of the rest.

    `everything` lists the exposures too; `verbose` says all there is of each finding, and every fact.
    """
    for line in _examined(report.environment):
        console.print(line, soft_wrap=True)
    console.print(
        Paragraph(report.verdict.sentence, Text(f"{SIGNS[report.verdict.outcome]} ", style=_OUTCOME_STYLES[report.verdict.outcome]), "bold")
    )
    if not verbose:
        for fact in _shortly(report.environment):
            console.print(Paragraph(fact, "     ", "dim"))
    shown = _shown(report, everything or verbose)
    for part in (*_findings(shown, report, verbose or (everything and len(shown) <= FEW)), *_actions(report), *_rest(report, everything or verbose)):
        console.print(part, soft_wrap=isinstance(part, _Command))
    if verbose:
        heading(console, "What is here")
        for fact_line in _facts(report.environment):
            console.print(fact_line)
    for part in _unknown(report, verbose):
        console.print(part)
    console.print()
    for part in _next(report, everything or verbose):
        console.print(part, soft_wrap=True)


def _shown(report: Report, everything: bool) -> tuple[Finding, ...]:
    """The findings that are spelt out: all, or those that concern somebody."""
    return (
        report.findings
        if everything
        else tuple(each for each in report.findings if each.concerns_somebody or each.status in ("confirmed", "cleared") or each.places)
    )


def _examined(environment: Environment) -> Iterator[Text]:
    """What the report is about: an interpreter, what was read, or what was read filled up with what an interpreter says."""
    python = environment.python
    filled = THIS_MACHINE in environment.sources.values()
    if environment.read_from is not None:
        name, _, formats = environment.read_from.partition(": ")
        yield Text.assemble("Read ", (name, "bold"), f": {formats}{'' if filled else '; nothing of this machine'}")
    if python.executable is not None:
        verb = "Examined" if environment.read_from is None else "Gaps filled from" if filled else "It is about"
        version = f"{python.implementation or 'Python'} {python.version or 'of unknown version'}"
        yield Text.assemble(f"{verb} ", (python.executable, "bold"), f" ({version}): {python.chosen_because}")


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
    machine += [rows["variables"]] if "variables" in rows else []
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
        rows["variables"] = ", ".join(f"{name}={value}" for name, value in environment.variables.items())
    return rows


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
    return "unknown" if count is None else f"{count / 1024**3:.1f} GiB"


# What is known to be wrong


@dataclass(frozen=True, slots=True)
class _Section:
    """Findings with one remedy."""

    title: str
    findings: tuple[Finding, ...]


def _findings(shown: Sequence[Finding], report: Report, whole: bool) -> Iterator[RenderableType]:
    sections = list(_sections(shown, report))
    for section in sections:
        yield Text()
        if len(sections) > 1 or not section.findings[0].concerns_somebody:  # else the verdict has just said so
            yield Paragraph(section.title, "", style="bold")
        for finding in section.findings:
            yield _whole(finding) if whole else _near(finding) if finding.concerns_somebody else _brief(finding)


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


_INSET = " " * 16


def _title(finding: Finding) -> Paragraph:
    severity = (f"{finding.severity:<7}", _STYLES[finding.severity])
    confirmed = "confirmed: " if finding.status == "confirmed" else ""
    return Paragraph(confirmed + finding.title, Text.assemble("  ", (finding.id, "bold"), " ", severity, " "))


def _brief(finding: Finding) -> Group:
    """The title, and for what an upgrade may cure, what sets it off; how not to use a model is in the title."""
    if finding.places:
        return Group(_title(finding), *_places(finding, most=1), *(Paragraph(each, _INSET, style="dim") for each in finding.missing[:1]))
    if finding.observed is not None:
        return Group(_title(finding), Paragraph(finding.observed, _INSET, style="dim", one_line=True))
    if finding.kind in NO_UPGRADE_CURES:
        return Group(_title(finding))
    return Group(_title(finding), Paragraph(f"when: {finding.trigger}", _INSET, style="dim", one_line=True))


def _near(finding: Finding) -> Group:
    """What concerns somebody, as the first screen has it: what was found, and what to do."""
    lines = [("found", finding.trigger)] if finding.kind == "installation" else []
    lines += [("run", finding.observed)] if finding.observed else []
    return Group(
        _title(finding),
        *_places(finding, most=3),
        *(Paragraph(text, f"{_INSET}{name + ':':<8}") for name, text in (*lines, ("remedy", finding.remedy))),
    )


def _places(finding: Finding, most: int) -> Iterator[RenderableType]:
    """Where the program sets it off, as compilers say it: the place, the line, and a caret under where it begins."""
    for place in finding.places[:most]:
        sure = "" if place.sure == "certain" else f"  ({place.sure})"
        yield Paragraph(f"{place.file}:{place.line}:{place.column}{sure}", "     ", style="cyan")
        yield Text(f"{' ' * 9}{place.source}", no_wrap=True, overflow="ellipsis")
    if len(finding.places) > most:
        yield Paragraph(f"and {len(finding.places) - most} more places", "     ", style="dim")


def _whole(finding: Finding) -> Group:
    label = "found" if finding.kind == "installation" else "when"
    lines = [(label, finding.trigger)] + ([("run", finding.observed)] if finding.observed else [])
    lines += [("remedy", finding.remedy), *(("unsure", f"depends on {fact}") for fact in finding.missing)]
    lines += [("see", reference) for reference in finding.references[:1]]
    return Group(_title(finding), *_places(finding, most=20), *(Paragraph(text, f"{_INSET}{name + ':':<8}") for name, text in lines))


# What to do


class _Command(Text):
    """A line that must not be wrapped: it is there to be pasted."""


def _actions(report: Report) -> Iterator[RenderableType]:
    """The command for what counts, and why it is this one; an installation is mended first: its remedy stands with its finding."""
    upgrade = report.upgrade
    if upgrade.command is not None:
        yield Text()
        yield _Command(f"  {upgrade.command}", style="bold green")
    for change in (each for each in upgrade.changes if len(each.clears) > 1 or each.passed_over or each.brings):
        yield Paragraph(f"{change.package} {change.to} clears {_ids(change.clears)}{_why_not_nearer(change)}.{_brought(change)}")
    curable = [each for each in report.findings if each.id in upgrade.remaining and each.kind in ("bug", "incompatibility")]
    if curable and not upgrade.changes:
        why = "every later release brings something new" if upgrade.alternatives else "no later release that the matrix covers clears any of these"
        yield Paragraph(f"No upgrade is recommended: {why}.")
    for each in upgrade.alternatives if curable else ():
        yield Paragraph(f"Not recommended: {each.package} {each.version}{' (the newest)' if each.newest else ''} {_price(each)}.")


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


def _rest(report: Report, everything: bool) -> Iterator[RenderableType]:
    """What concerns nobody as far as is known, and what upgrades would do for it: two lines at most."""
    sentence = exposures_sentence(report.summary)
    if sentence:
        yield Text()
        silent = sum(each.severity == "silent" and not each.concerns_somebody and each.status != "cleared" for each in report.findings)
        how = "" if everything else " doctor --all lists them."
        yield Paragraph(f"{sentence} {_silent(silent)}{how}".replace("  ", " "), "")
        if told := [*map(_cleared_by, report.upgrade.exposures.changes), *map(_costs, _newest(report))]:
            yield Paragraph(f"Of these, {'; '.join(told[:2])}.", "")
    if report.summary.waived:
        yield Paragraph(f"{report.summary.waived} more {'is' if report.summary.waived == 1 else 'are'} ignored or in the baseline.", "")


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


def _unknown(report: Report, verbose: bool) -> Iterator[RenderableType]:
    """Every fact that could not be had with `verbose`; else those that could have changed the answer, and how many more."""
    said = report.verdict.sentence.lower()
    important = [each for each in report.environment.unknown if each.important and each.reason.lower() not in said]
    unknown = report.environment.unknown if verbose else important
    facts: dict[str, list[str]] = {}
    for each in unknown:
        facts.setdefault(each.reason, []).append(each.fact)
    if facts:
        yield Text()
        yield Paragraph("What could not be determined", "", style="bold")
    for reason, names in facts.items():
        yield Paragraph(f"{', '.join(names)}: {reason}")
    more = len(report.environment.unknown) - len(unknown)
    if important and more and not verbose:
        yield Paragraph(f"and {more} fact{'' if more == 1 else 's'} more: -v")


def _next(report: Report, everything: bool) -> Iterator[RenderableType]:
    """The commands to go on with."""
    environment = report.environment
    python = f" --python {environment.python.executable}" if environment.python.chosen_because == "named with --python" else ""
    rows = [("a failure you have", "doctor explain FILE")]
    here = environment.read_from is None
    if here and not any(environment.installed(name) for name in STACK):
        rows.append(("another environment", "doctor --python PATH"))
    elif here:
        rows.append(("is it really so here", f"doctor confirm{python}"))
        rows.append(("for a bug report", f"doctor report{python} -o report.md"))
    advisories = [each.id for each in report.findings if each.kind != "installation"]
    if everything and advisories:
        rows.append(("one of them, whole", f"doctor matrix show {advisories[0]}"))
    widest = max(len(label) for label, _ in rows) + 1
    for label, command in rows:
        yield _Command.assemble((f"{label + ':':<{widest}} ", "dim"), command)
