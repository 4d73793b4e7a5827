"""The attachment as Markdown, ready to paste into an issue: what a maintainer reads in ten seconds on top, the rest folded away.

Written for GitHub (CommonMark with tables). Nothing in it links to an issue or names a person with an `@`: every report pasted would
leave a trace there. `<fill in>` stands where only a person knows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import escape

from doctor.diagnosis.finding import Finding
from doctor.diagnosis.remedy import NO_UPGRADE_CURES
from doctor.diagnosis.summary import exposures_sentence
from doctor.facts.environment import STACK
from doctor.reports import labels
from doctor.reports.attachment import Attachment, facts_as_json
from doctor.reports.labels import FILL_IN, Labelled

GITHUB_LIMIT = 65536
"""Characters that GitHub takes as the body of an issue."""
Part = Callable[[Attachment], Iterator[str]]


@dataclass(frozen=True)
class Template:
    """What one project's form asks for: headings in the form's words, each with what stands under it."""

    sections: tuple[tuple[str, Part], ...]


def markdown(attachment: Attachment, template: str | None = None) -> str:
    """The attachment for the form of one project (a key of `TEMPLATES`), or for any when it is None."""
    lines = [*headline(attachment), ""]
    if attachment.report.traceback:
        lines += ["### What the traceback comes from", "", *_causes(attachment), ""]
    for heading, part in TEMPLATES[template or "general"].sections:
        lines += [heading, "", *part(attachment), ""] if heading else [*part(attachment), ""]
    for heading, part in _FOR_EVERYBODY:
        lines += [heading, "", *part(attachment), ""]
    lines += _folded("For programs: the facts as JSON (doctor check --from FILE)", fenced(facts_as_json(attachment.report), "json"))
    return "\n".join(lines).rstrip("\n") + "\n"


# What stands on top


def headline(attachment: Attachment) -> Iterator[str]:
    """Versions, what is known about them, and what the traceback ends with."""
    yield f"**{plain(headline_text(attachment))}**"
    yield ""
    yield plain(verdict(attachment))
    traceback = attachment.report.traceback
    if traceback and (last := _last_line(traceback)):
        yield ""
        yield f"It fails with {code(last)}"


def headline_text(attachment: Attachment) -> str:
    """What stands where, in one line of plain text."""
    environment, subject = attachment.report.environment, attachment.subject
    stack = ", ".join(f"{name} {subject.version(name)}" for name in STACK)
    return f"{stack} on Python {environment.python.version or 'unknown'}, {labels.platform_name(environment)}, {_hardware(attachment)}"


def verdict(attachment: Attachment) -> str:
    """What is known to be wrong, in two sentences."""
    report = attachment.report
    confirmed = sum(each.status == "confirmed" for each in report.findings)
    changes = [f"{each.package} {each.to} clears {', '.join(each.clears)}" for each in report.upgrade.changes]
    said = [
        report.verdict.sentence,
        f"Upgrading helps: {'; '.join(changes)}." if changes else "",
        f"{_count(confirmed, 'reproducer')} failed here." if confirmed else "",
        exposures_sentence(report.summary),
    ]
    return " ".join(each for each in said if each)


def _hardware(attachment: Attachment) -> str:
    environment = attachment.report.environment
    names = [each.name for each in labels.devices(environment)]
    kind = labels.accelerator(environment, none="CPU only")
    counted = [f"{names.count(name)} x {name}" if names.count(name) > 1 else name for name in dict.fromkeys(names)]
    gpus = ", ".join(counted) or ("accelerator unknown" if kind == "unknown" else kind)
    return f"{gpus}, RAM {labels.ram(environment)}"


def _last_line(traceback: str) -> str:
    lines = [line.strip() for line in traceback.splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""


# What the forms ask for


def _bullets(block: Callable[[labels.Subject], Iterable[Labelled]], bullet: str = "- ") -> Part:
    def part(attachment: Attachment) -> Iterator[str]:
        for label, value in block(attachment.subject):
            first, *more = value.split("\n")
            yield f"{bullet}{_label(label)}: {plain(first)}".rstrip()
            yield from (f"{' ' * len(bullet)}{plain(line.strip(), bullet=True)}" for line in more)

    return part


def _label(label: str) -> str:
    """A label keeps its back-quotes, which all these commands print."""
    return label if "`" in label else plain(label)


def _text_block(block: Callable[[labels.Subject], Iterable[str]], summary: str) -> Part:
    def part(attachment: Attachment) -> Iterator[str]:
        return _folded(summary, fenced("\n".join(block(attachment.subject)), "text"), as_html=True)

    return part


def _fill(what: str) -> Part:
    def part(_: Attachment) -> Iterator[str]:
        yield plain(f"{FILL_IN}: {what}" if what else FILL_IN)

    return part


def _boxes(*labels: str, before: str = "") -> Part:
    def part(_: Attachment) -> Iterator[str]:
        if before:
            yield from (before, "")
        yield from (f"- [ ] {label}" for label in labels)

    return part


def _with_traceback(what: str) -> Part:
    """A line to fill in, and under it the traceback where one was given."""

    def part(attachment: Attachment) -> Iterator[str]:
        yield plain(f"{FILL_IN}: {what}")
        yield ""
        yield from _traceback(attachment)

    return part


def _traceback(attachment: Attachment) -> Iterator[str]:
    if attachment.report.traceback:
        yield from fenced(attachment.report.traceback, "python-traceback")
    else:
        yield plain(f"{FILL_IN}: the full traceback, from its first line to its last")


_COLLECTED = _text_block(labels.collect_env, "What <code>python -m torch.utils.collect_env</code> asks for")
_STEPS = "the shortest code that shows it, with its imports; one rank is enough"
_EXPECTED = _fill("what should have happened instead")
_INFORMATION = _boxes("The official example scripts", "My own modified scripts", before="The problem arises when using:")

TEMPLATES: Mapping[str, Template] = {
    "general": Template((
        ("### System Info", _bullets(labels.general_env)),
        ("", _COLLECTED),
        ("### Logs", _traceback),
        ("### Reproduction", _fill(_STEPS)),
        ("### Expected behavior", _EXPECTED),
    )),
    "transformers": Template((
        ("### System Info", _bullets(labels.transformers_env)),
        ("", _COLLECTED),
        ("### Who can help?", _fill("leave it out if you do not know")),
        ("### Information", _INFORMATION),
        ("### Tasks", _boxes(
            "An officially supported task in the `examples` folder (such as GLUE/SQuAD, ...)", "My own task or dataset (give details below)",
            before="The tasks I am working on are:")),
        ("### Reproduction", _with_traceback(_STEPS)),
        ("### Expected behavior", _EXPECTED),
    )),
    "accelerate": Template((
        ("### System Info", _bullets(labels.accelerate_env)),
        ("", _COLLECTED),
        ("### Information", _INFORMATION),
        ("### Tasks", _boxes(
            "One of the scripts in the examples/ folder of Accelerate or an officially supported `no_trainer` script in the `examples` folder of "
            "the `transformers` repo (such as `run_no_trainer_glue.py`)", "My own task or dataset (give details below)",
            before="The tasks I am working on are:")),
        ("### Reproduction", _with_traceback(_STEPS)),
        ("### Expected behavior", _EXPECTED),
    )),
    "pytorch": Template((
        ("### Versions", _COLLECTED),
        ("### 🐛 Describe the bug", _with_traceback("what is wrong, and a self-contained example that shows it")),
    )),
    "diffusers": Template((
        ("### System Info", _bullets(labels.diffusers_env)),
        ("### Describe the bug", _fill("what is wrong")),
        ("### Reproduction", _fill(_STEPS)),
        ("### Logs", _traceback),
        ("### Who can help?", _fill("leave it out if you do not know")),
    )),
    "vllm": Template((
        ("### Your current environment", _text_block(labels.vllm_env, "The output of <code>python collect_env.py</code>")),
        ("### 🐛 Describe the bug", _with_traceback(
            "what is wrong, a minimal example, and the log with VLLM_LOGGING_LEVEL=DEBUG (for a hang: VLLM_TRACE_FUNCTION=1)")),
        ("### Before submitting a new issue...", _boxes(
            "Make sure you already searched for relevant issues, and asked the chatbot living at the bottom right corner of the documentation page, "
            "which can answer lots of frequently asked questions.")),
    )),
    "sentence-transformers": Template((
        ("**System [please complete the following information]:**", _bullets(labels.sentence_transformers_env, "-   ")),
        ("**Describe the bug**", _fill("what is wrong")),
        ("**To Reproduce**", _with_traceback(_STEPS)),
        ("**Expected behavior**", _EXPECTED),
        ("**Additional context**", _fill("anything else; what follows is from doctor")),
    )),
}  # fmt: skip


# What stands in all of them


def _causes(attachment: Attachment) -> Iterator[str]:
    """What doctor makes of the traceback: a machine's reading, and said to be one."""
    for each in attachment.report.causes:
        advisory = f", {each.advisory}" if each.advisory else ""
        yield f"- {code(each.cause)} ({each.kind}{advisory}, {each.confidence:.0%} sure): {plain(each.title)}; {plain('; '.join(each.because))}"
        yield f"  - {plain(each.remedy)}"
        if each.avoid:
            yield f"  - Avoid: {plain(each.avoid)}"
    if not attachment.report.causes:
        yield "No cause that doctor knows of fits."


def _findings(attachment: Attachment) -> Iterator[str]:
    findings = attachment.report.findings
    near = [each for each in findings if each.concerns_somebody]
    others = [each for each in findings if not each.concerns_somebody]
    yield plain(attachment.report.verdict.sentence)
    if near:
        yield from ("", *_table(near, attachment))
    if others:
        yield ""
        yield from _folded(f"{_count(len(others), 'known trap')} of these releases, for what uses them", list(_table(others, attachment)))
    if not findings:
        return
    yield ""
    yield "Evidence: `run`, a reproducer was seen to fail and to pass on real releases; `source`, their code was read; `reported`, neither."
    yield ""
    yield plain(f"Reproduced on the latest releases: {FILL_IN}")


def _table(findings: Iterable[Finding], attachment: Attachment) -> Iterator[str]:
    yield "| id | severity | problem | package | fixed in | here | evidence |"
    yield "|---|---|---|---|---|---|---|"
    for each in findings:
        installed = f"{each.package} {each.installed or '(version unknown)'}"
        title = each.title if each.kind != "installation" else f"{each.title}: {each.trigger}"
        evidence = attachment.evidence.get(each.id, "seen here")
        cells = (each.id, each.severity, title, installed, _fixed(each), _here(each), evidence)
        yield f"| {' | '.join(map(plain, cells))} |"


def _fixed(finding: Finding) -> str:
    if finding.kind == "installation":
        return "the installation itself"
    if finding.kind in NO_UPGRADE_CURES:
        return "no upgrade cures it"
    return finding.fixed_in or "no release yet"


def _here(finding: Finding) -> str:
    if finding.status == "possible":
        return f"possible; unknown: {', '.join(finding.missing)}"
    if finding.observed is not None:
        return f"{finding.status} here ({finding.observed})"
    return "found here" if finding.kind == "installation" else "versions match; not run"


def _undetermined(attachment: Attachment) -> Iterator[str]:
    unknown = attachment.report.environment.unknown
    if not unknown:
        yield "Everything asked for was answered."
    yield from (f"- {plain(each.fact)}: {plain(each.reason)}" for each in unknown)


def masked_labels(attachment: Attachment) -> list[str]:
    """The labels that stand in the report."""
    text = facts_as_json(attachment.report) + (attachment.report.traceback or "") + str(attachment.report.findings)
    return [label for label in dict.fromkeys(attachment.masked) if label in text]


def _masked(attachment: Attachment) -> Iterator[str]:
    shown = ", ".join(map(code, masked_labels(attachment)))
    yield f"Put in place of what is private, the same value always the same: {shown}." if shown else "Nothing private was met."


_FOR_EVERYBODY: tuple[tuple[str, Part], ...] = (
    ("### Known problems", _findings),
    ("### What could not be determined", _undetermined),
    ("### Masked", _masked),
)


# Markdown itself


def plain(text: str, bullet: bool = False) -> str:
    """Text that must look on the page as it stands: what Markdown would take for markup is escaped, and nothing calls anybody or becomes a link."""
    text = " ".join(text.split("\n"))
    start = "- " if bullet and text.startswith("- ") else ""
    special = r"([\\*\[\]|~]|<(?=[A-Za-z/!?])|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|&(?=[#A-Za-z])|`)"
    escaped = re.sub(special, r"\\\1", text[len(start) :])
    escaped = re.sub(r"^(\s*)([-+#>]|\d+[.)])(?=\s|$)", r"\1\\\2", escaped)
    return start + _LIVE.sub("\\g<0>\N{ZERO WIDTH NON-JOINER}", escaped)


_LIVE = re.compile(r"@(?=\w)|#(?=\d)|[Gg][Hh]-(?=\d)|:(?=//)|[Ww]{3}(?=\.)")
"""What GitHub makes a mention or a link of, wherever it stands: `@user`, `org/repo#1`, `GH-1`, `https://...`, `www....`."""


def code(text: str) -> str:
    """A code span, whatever back-quotes are in the text (CommonMark 6.1)."""
    text = " ".join(text.split()) or " "
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    quotes = "`" * (longest + 1)
    padding = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{quotes}{padding}{text}{padding}{quotes}"


def fenced(text: str, language: str) -> list[str]:
    """A fenced block, its fence longer than any inside (CommonMark 4.5)."""
    longest = max((len(run) for run in re.findall("`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return [f"{fence}{language}", *text.rstrip("\n").split("\n"), fence]


def _folded(summary: str, lines: Iterable[str], as_html: bool = False) -> Iterator[str]:
    yield from ("<details>", f"<summary>{summary if as_html else escape(summary)}</summary>", "", *lines, "", "</details>")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
