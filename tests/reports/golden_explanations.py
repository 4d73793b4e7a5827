"""The first screens of `doctor explain`, one for each kind of answer, at three widths, made from texts as people have them."""

from __future__ import annotations

import io

from rich.console import Console

from doctor.explain.text import explain_lines
from doctor.knowledge.matrix_file import builtin_matrix
from doctor.reports.explanation import ExplanationReport, explanation_report
from doctor.reports.redact import Redactor
from doctor.reports.terminal.explanation import print_explanation
from doctor.reports.triage import triage_reply

_SITE = "/opt/venv/lib/python3.11/site-packages"
_META = "NotImplementedError: Cannot copy out of meta tensor; no data!"
_OFFLOADED = "Some parameters are on the meta device because they were offloaded to the cpu."


def _traceback(file: str, line: int, function: str, code: str) -> str:
    return f"""\
Traceback (most recent call last):
  File "{file}", line {line}, in {function}
    {code}
  File "{_SITE}/transformers/modeling_utils.py", line 3698, in to
    return super().to(*args, **kwargs)
  File "{_SITE}/torch/nn/modules/module.py", line 1336, in convert
    raise NotImplementedError(
{_META}"""


def _ranks() -> str:
    """Three ranks that meet the same, and one that meets another thing, their lines one after the other's."""
    moved = [_OFFLOADED, *_traceback("/srv/app/serve.py", 14, "load", 'model.to("cuda")').split("\n")]
    raced = ["loading in 4 threads at once", *_traceback("/srv/app/pool.py", 31, "load", 'model.to("cuda")').split("\n")]
    return "\n".join(f"[rank{rank}]: {lines[rank]}" for lines in zip(moved, moved, raced, moved, strict=True) for rank in range(4))


TEXTS = {
    "offloaded": f"{_OFFLOADED}\n" + _traceback("/srv/app/serve.py", 14, "load", "model.to(device)"),
    "bare": _META,
    "threads": "accelerate==1.15.0\ntransformers==4.51.3\nIt happens when several requests load the model concurrently.\n"
    + _traceback("/srv/app/app.py", 40, "encode", "encoder = SentenceTransformer(name)"),
    "not-ours": "Traceback (most recent call last):\n  File \"/srv/app/main.py\", line 10, in handler\n    user = users[name]\nKeyError: 'bob'",
    "ranks": _ranks(),
    "unknown": f'Traceback (most recent call last):\n  File "/srv/app/main.py", line 9, in <module>\n    out = net(x)\n  File "{_SITE}/torch/nn/'
    'modules/module.py", line 1751, in _call_impl\n    return f(x)\nRuntimeError: unsupported device meta in this kernel',
}
WIDTHS = (60, 80, 120)


def explained(text: str) -> ExplanationReport:
    """The report on the text of an `issue.txt`."""
    matrix = builtin_matrix()
    return explanation_report(explain_lines(text.split("\n"), matrix), matrix, Redactor((), None, None), "issue.txt")


def triage_replies() -> dict[str, str]:
    """What `doctor explain issue.txt --format markdown` writes, by file name."""
    return {f"triage-{name}.md": triage_reply(explained(text)) for name, text in TEXTS.items()}


def explain_pages(text: str) -> dict[int, str]:
    """What `doctor explain issue.txt` prints first, by width."""
    report = explained(text)
    pages = {width: io.StringIO() for width in WIDTHS}
    for width, page in pages.items():
        print_explanation(report, Console(file=page, width=width, highlight=False, emoji=False), more="doctor explain -v issue.txt")
    return {width: "\n".join(line.rstrip() for line in page.getvalue().split("\n")) for width, page in pages.items()}


def explain_screens() -> dict[str, str]:
    """The screens by file name."""
    return {f"explain-{name}-{width}.txt": page for name, text in TEXTS.items() for width, page in explain_pages(text).items()}
