"""The report for a person at a terminal: what is here, what is known to be wrong with it, what to do. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.text import Text

from doctor.diagnosis.diagnosis import NO_UPGRADE_CURES, Finding
from doctor.facts.environment import STACK, THIS_MACHINE, Accelerator, Environment
from doctor.reports.document import Report
from doctor.reports.terminal.layout import Paragraph, heading
from doctor.upgrade.plan import Alternative

FEW = 6
"""Up to so many findings are shown whole; more are grouped by remedy, two lines each."""
_STYLES = {"silent": "bold magenta", "error": "bold red", "warning": "yellow"}


def print_report(report: Report, console: Console, command: str | None = None, verbose: bool = False) -> None:
    """Print the report on `console`; `verbose` shows every finding whole however many there are.

    `command` makes the report's upgrade on this machine (None: the report's own, in which names are masked).
    """
    for line in _examined(report.environment):
        console.print(line, soft_wrap=True)
    heading(console, "What is here")
    for fact in _facts(report.environment):
        console.print(fact)
    heading(console, _findings_heading(report))
    for part in _findings(report, verbose or len(report.findings) <= FEW):
        console.print(part)
    if report.findings:
        heading(console, "What to do")
        for part in _advice(report, command or report.upgrade.command):
            console.print(part, soft_wrap=isinstance(part, _Command))
    heading(console, "What could not be determined")
    for part in _unknown(report):
        console.print(part)
    if report.findings and report.environment.read_from is None:
        python = f" --python {report.environment.python.executable}" if report.environment.python.chosen_because == "named with --python" else ""
        console.print()
        console.print(Paragraph(f"To attach this to a bug report: doctor report{python} -o report.md", ""))


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


# What is here


def _facts(environment: Environment) -> Iterator[Paragraph]:
    names = (*STACK, *sorted((environment.packages.keys() | set(environment.absent)) - set(STACK)))
    rows = [*((name, _package(name, environment)) for name in names), *_machine_facts(environment)]
    widest = max(len(label) for label, _ in rows)
    for label, value in rows:
        yield Paragraph(value, f"  {label:<{widest}}  ")


def _package(name: str, environment: Environment) -> str:
    distribution = environment.packages.get(name)
    source = environment.sources.get(f"packages.{name}.version") or environment.sources.get(f"packages.{name}")
    if distribution is not None:
        version = distribution.shown_version or "version unknown"
        shown = version if distribution.origin == "index" else f"{version} ({distribution.origin} install)"
    else:
        shown = "not stated" if environment.installed(name) is None else "not installed"
    return f"{shown}  [{source}]" if source else shown


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


def _findings_heading(report: Report) -> str:
    count = len(report.findings)
    return f"What is known to be wrong with it ({count})" if count else "What is known to be wrong with it"


def _findings(report: Report, whole: bool) -> Iterator[RenderableType]:
    if not report.findings:
        covered = f"none of the {report.matrix.advisories} advisories of matrix {report.matrix.version} holds here"
        reserve = ", as far as they cover it (see below)" if report.exit_code else ""
        yield Paragraph(f"Nothing found: {covered}{reserve}.")
        return
    for section in _sections(report):
        yield Text()
        yield Paragraph(section.title, style="bold")
        for finding in section.findings:
            yield _whole(finding) if whole or finding.kind == "installation" else _brief(finding)
    if not whole:
        yield Text()
        yield Paragraph("Workaround, cause and links: --verbose for all, --id ID for one.")


def _sections(report: Report) -> Iterator[_Section]:
    """Every finding in exactly one section, by remedy."""
    left = list(report.findings)

    def take(title: str, findings: Iterable[Finding]) -> Iterator[_Section]:
        taken = tuple(each for each in findings if each in left)
        for each in taken:
            left.remove(each)
        if taken:
            yield _Section(title, taken)

    count = len(left)
    yield from take("Cleared here: the versions match, but the reproducer passed:", [each for each in left if each.status == "cleared"])
    yield from take("The installation itself:", [each for each in left if each.kind == "installation"])
    for change in report.upgrade.changes:
        title = f"Upgrading {change.package} {change.from_} -> {change.to} clears {len(change.clears)} of these {count}:"
        yield from take(title, [each for each in left if each.id in change.clears])
    yield from take("May hold here; a fact is missing:", [each for each in left if each.status == "possible"])
    curable = [each for each in left if each.kind not in NO_UPGRADE_CURES]
    yield from take("Fixed in later releases, none of which can be recommended here:", [each for each in curable if each.fixed_in is not None])
    yield from take("No release fixes these yet:", curable)
    yield from take("No upgrade cures these: how models are used, and what fits:", list(left))


_INSET = " " * 16


def _title(finding: Finding) -> Paragraph:
    severity = (f"{finding.severity:<7}", _STYLES[finding.severity])
    confirmed = "confirmed: " if finding.status == "confirmed" else ""
    return Paragraph(confirmed + finding.title, Text.assemble("  ", (finding.id, "bold"), " ", severity, " "))


def _brief(finding: Finding) -> Group:
    """The title, and for what an upgrade may cure, what sets it off; how not to use a model is in the title."""
    if finding.observed is not None:
        return Group(_title(finding), Paragraph(finding.observed, _INSET, style="dim", one_line=True))
    if finding.kind in NO_UPGRADE_CURES:
        return Group(_title(finding))
    return Group(_title(finding), Paragraph(f"when: {finding.trigger}", _INSET, style="dim", one_line=True))


def _whole(finding: Finding) -> Group:
    label = "found" if finding.kind == "installation" else "when"
    lines = [(label, finding.trigger)] + ([("run", finding.observed)] if finding.observed else [])
    lines += [("remedy", finding.remedy), *(("unsure", f"depends on {fact}") for fact in finding.missing)]
    lines += [("see", reference) for reference in finding.references[:1]]
    return Group(_title(finding), *(Paragraph(text, f"{_INSET}{name + ':':<8}") for name, text in lines))


# What to do


class _Command(Text):
    """A line that must not be wrapped: it is there to be pasted."""


def _advice(report: Report, command: str | None) -> Iterator[RenderableType]:
    """The installation first: while it is broken, no upgrade is worth trying."""
    upgrade = report.upgrade
    faults = [finding for finding in report.findings if finding.kind == "installation"]
    for fault in faults:
        yield Paragraph(fault.remedy, f"  {fault.id}: ")
    if command is not None:
        yield _Command(f"  {command}", style="bold green")
    for change in upgrade.changes:
        newest = f"; {change.newest_clean} is the newest that does and brings nothing new" if change.newest_clean != change.to else ""
        yield Paragraph(f"{change.package} {change.to} is the nearest release that clears {_ids(change.clears)}{newest}.")
    if not upgrade.changes and len(report.findings) > len(faults):
        why = (
            "none clears a finding without bringing a new one"
            if upgrade.alternatives
            else "no later release that the matrix covers clears any of these"
        )
        yield Paragraph(f"No upgrade is recommended: {why}.")
    for each in upgrade.alternatives:
        what = f"{each.package} {each.version}" + (" (the newest)" if each.newest else "")
        yield Paragraph(f"Not recommended: {what} {_price(each)}.")


def _price(alternative: Alternative) -> str:
    """What it clears, and what that costs."""
    clears = f"would clear {_ids(alternative.clears)}" if alternative.clears else "would clear nothing"
    costs = [("brings", alternative.brings), ("keeps", alternative.keeps)]
    return f"{clears}, but {' and '.join(f'{verb} {_ids(ids)}' for verb, ids in costs if ids)}"


def _ids(ids: Sequence[str], most: int = 6) -> str:
    shown = ", ".join(ids[:most])
    return shown if len(ids) <= most else f"{shown} and {len(ids) - most} more"


# What could not be determined


def _unknown(report: Report) -> Iterator[RenderableType]:
    facts: dict[str, list[str]] = {}
    for each in report.environment.unknown:
        facts.setdefault(each.reason, []).append(each.fact)
    for reason, names in facts.items():
        yield Paragraph(f"{', '.join(names)}: {reason}")
    if not facts:
        yield Paragraph("Everything asked for was answered.")
