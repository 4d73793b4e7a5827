"""The attachment as one HTML file that needs nothing else: no script, nothing fetched, light and dark, for a phone as for a desk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from html import escape

from doctor.diagnosis.finding import Finding
from doctor.diagnosis.summary import exposures_sentence
from doctor.facts.environment import STACK
from doctor.reports import labels
from doctor.reports.attachment import Attachment, facts_as_json
from doctor.reports.markdown import headline_text, masked_labels, verdict
from doctor.reports.strip import Stretch

FACTS_ID = "doctor-report"
_STYLE = """
:root { color-scheme: light dark; --ink: #1f2328; --quiet: #57606a; --page: #ffffff; --panel: #f6f8fa; --line: #d0d7de;
  --silent: #8250df; --error: #cf222e; --warning: #7d4e00; --good: #1a7f37; --link: #0550ae; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --quiet: #9aa4af; --page: #0d1117; --panel: #161b22; --line: #30363d;
  --silent: #c297ff; --error: #ff8078; --warning: #e3b341; --good: #57c765; --link: #79b8ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; background: var(--page); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; margin: 0 0 .5rem; } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; margin: .25rem 0; }
article p { margin: .25rem 0; }
a { color: var(--link); } .quiet { color: var(--quiet); }
dl { display: grid; grid-template-columns: minmax(5rem, max-content) 1fr; gap: .15rem 1rem; margin: 0; }
dt { color: var(--quiet); } dd { margin: 0; }
pre { background: var(--panel); border: 1px solid var(--line); border-radius: .4rem; padding: .75rem; overflow-x: auto; overflow-wrap: normal; }
article { border: 1px solid var(--line); border-left: .3rem solid var(--line); border-radius: .4rem; padding: .75rem; margin: .75rem 0; }
article.silent { border-left-color: var(--silent); } article.error { border-left-color: var(--error); }
article.warning { border-left-color: var(--warning); }
.tag { font-size: .8rem; border: 1px solid currentColor; border-radius: 1rem; padding: 0 .5rem; margin-right: .35rem; white-space: nowrap; }
.tag.silent { color: var(--silent); } .tag.error { color: var(--error); } .tag.warning { color: var(--warning); }
.strip { display: flex; align-items: end; list-style: none; margin: .5rem 0 0; padding: 0; height: 1.1rem; border-bottom: 1px solid var(--line); }
.strip li { min-width: 2px; height: 35%; background: var(--line); }
.strip .reproduced { height: 100%; background: var(--error); } .strip .not-reproduced { background: var(--good); }
.strip .affected { height: 100%; background: repeating-linear-gradient(45deg, var(--error) 0 2px, transparent 2px 6px); }
.strip .not-affected { background: repeating-linear-gradient(45deg, var(--good) 0 2px, transparent 2px 6px); }
.ends { display: flex; justify-content: space-between; font-size: .8rem; color: var(--quiet); margin: 0; }
.here { position: relative; height: 1.3rem; margin: 0; font-size: .8rem; font-weight: bold; }
.here::before { content: ""; position: absolute; left: calc(var(--at) - 2px); top: -1.2rem; height: 1.5rem; border-left: 2px solid var(--ink); }
.here span { position: absolute; top: .2rem; white-space: nowrap; left: clamp(5rem, var(--at), calc(100% - 5rem)); transform: translateX(-50%); }
summary { cursor: pointer; } details details { margin-left: 1rem; }
@media (max-width: 34rem) { body { padding: .75rem; } article dl { grid-template-columns: 1fr; } article dd { margin-bottom: .4rem; } }
@media print { details > * { display: block; } }
"""


def html(attachment: Attachment, strips: Mapping[str, tuple[Stretch, ...]]) -> str:
    """The whole page; `strips` are the release strips of the findings that have one, by id."""
    body = "".join(
        (
            *_head(attachment),
            *(_section("What the traceback comes from", _causes(attachment)) if attachment.report.traceback else ()),
            *_section("What is wrong", _concerning(attachment, strips)),
            *_section("What to do", _upgrade(attachment)),
            *(_section("What happened", _traceback(attachment)) if attachment.report.traceback else ()),
            *_section("What is here", _facts(attachment)),
            *_section("Known traps in these releases", _others(attachment, strips)),
            *_section("What could not be determined", _undetermined(attachment)),
            *_section("What was masked", _masked(attachment)),
        )
    )
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f"<title>doctor report</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n"
        f'<script type="application/json" id="{FACTS_ID}">\n{_in_script(facts_as_json(attachment.report))}</script>\n</body>\n</html>\n'
    )


def _in_script(json: str) -> str:
    """JSON that no HTML parser takes for the end of its element, and that means the same."""
    return json.replace("<", "\\u003c")


def _head(attachment: Attachment) -> Iterator[str]:
    report = attachment.report
    yield f"<h1>doctor report</h1>\n<p><strong>{escape(headline_text(attachment))}</strong></p>\n<p>{escape(verdict(attachment))}</p>\n"
    yield f'<p class="quiet">doctor {escape(report.doctor_version)}, matrix {escape(report.matrix.told)}</p>\n'


def _section(title: str, parts: Iterable[str]) -> Iterator[str]:
    yield f"<section>\n<h2>{escape(title)}</h2>\n"
    yield from parts
    yield "</section>\n"


# Facts


def _facts(attachment: Attachment) -> Iterator[str]:
    subject, environment = attachment.subject, attachment.report.environment
    others = sorted(environment.packages.keys() - set(STACK))
    rows = [(name, subject.version(name)) for name in (*STACK, *others)]
    rows += [("Python", environment.python.version or "unknown"), ("Platform", labels.platform_name(environment))]
    rows += [
        ("Accelerator", labels.accelerator(environment, none="none")),
        ("GPUs", ", ".join(each.name for each in labels.devices(environment)) or "none"),
    ]
    rows += [("Driver", f"{each.vendor} {each.version or 'unknown'}") for each in environment.drivers]
    rows += [("System RAM", labels.ram(environment))]
    rows += [(name, value) for name, value in environment.variables.items()]
    yield _list(rows)
    text = "\n".join(labels.collect_env(subject))
    yield f"<details><summary>What collect_env asks for</summary>\n<pre>{escape(text)}</pre>\n</details>\n"


def _list(rows: Iterable[tuple[str, str]]) -> str:
    return "<dl>\n" + "".join(f"<dt>{escape(label)}</dt><dd>{escape(value)}</dd>\n" for label, value in rows) + "</dl>\n"


# Findings


def _concerning(attachment: Attachment, strips: Mapping[str, tuple[Stretch, ...]]) -> Iterator[str]:
    """What concerns this environment, or what was shown."""
    yield f"<p>{escape(attachment.report.verdict.sentence)}</p>\n"
    yield from _articles([each for each in attachment.report.findings if each.concerns_somebody], attachment, strips, opened=True)


def _others(attachment: Attachment, strips: Mapping[str, tuple[Stretch, ...]]) -> Iterator[str]:
    """What the releases have, and bites only those who use it: folded away."""
    others = [each for each in attachment.report.findings if not each.concerns_somebody]
    yield f"<p>{escape(exposures_sentence(attachment.report.summary) or 'None is known.')}</p>\n"
    if others:
        yield f"<details><summary>All {len(others)}</summary>\n"
        yield from _articles(others, attachment, strips, opened=False)
        yield "</details>\n"


def _articles(findings: list[Finding], attachment: Attachment, strips: Mapping[str, tuple[Stretch, ...]], *, opened: bool) -> Iterator[str]:
    """The legend first: strips without it say nothing."""
    if any(strips.get(each.id) for each in findings):
        yield _LEGEND
    for finding in findings:
        yield from _finding(finding, attachment.evidence.get(finding.id), strips.get(finding.id, ()), opened)


_LEGEND = (
    '<p class="quiet">Strips run from the oldest release to the newest. Solid: a reproducer was run there, and failed (red) or passed (green). '
    "Striped: nothing was run; red where the matrix says that the problem lives. Grey: it cannot occur there. The bar is where you are.</p>\n"
)


def _finding(finding: Finding, evidence: str | None, strip: tuple[Stretch, ...], shown: bool) -> Iterator[str]:
    installed = f"{finding.package} {finding.installed or ''}".strip()
    severity = escape(finding.severity)
    yield f'<article class="{severity}">\n<p><span class="tag {severity}">{severity}</span><span class="tag">{escape(finding.status)}</span>'
    yield f'<span class="quiet">{escape(finding.id)} · {escape(installed)}</span></p>\n<h3>{escape(finding.title)}</h3>\n'
    yield from _strip(finding, strip)
    rows = [("when", finding.trigger), ("remedy", finding.remedy)]
    rows += [("run here", finding.observed)] if finding.observed else []
    rows += [("unknown", fact) for fact in finding.missing]
    rows += [("evidence", evidence)] if evidence else []
    links = ", ".join(f'<a rel="noreferrer" href="{escape(each)}">{escape(each)}</a>' for each in finding.references if each.startswith("https://"))
    yield f"<details{' open' if shown else ''}><summary>when, remedy, links</summary>\n{_list(rows)}<p>{links}</p>\n</details>\n</article>\n"


def _strip(finding: Finding, strip: tuple[Stretch, ...]) -> Iterator[str]:
    if not strip:
        return
    yield f'<ol class="strip" aria-label="{escape(finding.package)} releases">\n'
    for each in strip:
        span = str(each.first) if each.first == each.last else f"{each.first} to {each.last}"
        said = escape(f"{span}: {each.state}{', you are here' if each.here else ''}")
        yield f'<li class="{each.state.replace(" ", "-")}" style="flex: {each.count} 1 0" title="{said}" aria-label="{said}"></li>\n'
    yield "</ol>\n"
    yield from _here(strip)
    yield f'<p class="ends"><span>{escape(str(strip[0].first))}</span><span>{escape(str(strip[-1].last))}</span></p>\n'


def _here(strip: tuple[Stretch, ...]) -> Iterator[str]:
    """The mark under the installed release, as far along as there are releases before it."""
    total, before = sum(each.count for each in strip), 0
    for each in strip:
        before += each.count
        if each.here:
            yield f'<p class="here" style="--at: {100 * before / total:.1f}%"><span>you are here: {escape(str(each.last))}</span></p>\n'


# The rest


def _causes(attachment: Attachment) -> Iterator[str]:
    causes = attachment.report.causes
    rows = [
        f"{each.title} ({each.cause}, {each.kind}; {each.confidence:.0%} sure): {'; '.join(each.because)}. {each.remedy}"
        + (f" Avoid: {each.avoid}" if each.avoid else "")
        for each in causes
    ]
    yield _items(rows or ["No cause that doctor knows of fits."])


def _upgrade(attachment: Attachment) -> Iterator[str]:
    upgrade = attachment.report.upgrade
    if upgrade.command:
        yield f"<pre>{escape(upgrade.command)}</pre>\n"
    rows = [f"{each.package} {each.from_ or ''} → {each.to} clears {', '.join(each.clears)}." for each in upgrade.changes]
    rows += [f"Not recommended: {each.package} {each.version} brings {', '.join(each.brings)}." for each in upgrade.alternatives if each.brings]
    yield _items(rows or ["No upgrade is recommended."])


def _traceback(attachment: Attachment) -> Iterator[str]:
    yield f"<pre>{escape(attachment.report.traceback or '')}</pre>\n"


def _undetermined(attachment: Attachment) -> Iterator[str]:
    rows = [f"{each.fact}: {each.reason}" for each in attachment.report.environment.unknown]
    yield _items(rows or ["Everything asked for was answered."])


def _masked(attachment: Attachment) -> Iterator[str]:
    shown = masked_labels(attachment)
    yield _items(shown) if shown else "<p>Nothing private was met.</p>\n"


def _items(rows: Iterable[str]) -> str:
    return "<ul>\n" + "".join(f"<li>{escape(row)}</li>\n" for row in rows) + "</ul>\n"
