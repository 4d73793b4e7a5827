"""Every sentence that is built from parts, over many combinations of what is known: no part is missing, none contradicts another."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

from hypothesis import HealthCheck, given, settings, strategies as st
from rich.console import Console

from doctor.explain.explanation import Explanation, LikelyCause
from doctor.explain.text import TextReader
from doctor.facts.environment import THIS_MACHINE, Environment
from doctor.knowledge.matrix_file import builtin_matrix
from doctor.reports.explanation import ExplanationReport, explanation_report
from doctor.reports.redact import Redactor
from doctor.reports.terminal.explanation import print_explanation
from tests.environments import environment

MATRIX = builtin_matrix()
SITE = "/opt/venv/lib/python3.11/site-packages"
META = "NotImplementedError: Cannot copy out of meta tensor; no data!"
TRACEBACK = "Traceback (most recent call last):\n"
FAILURES = (
    META,
    "Tensor.item() cannot be called on meta tensors",
    f"It fails in 4 threads at once:\n{META}",
    "ValueError: You are trying to offload the whole model to the disk. Please use the `disk_offload` function instead.",
    "RuntimeError: You can't move a model that has some modules offloaded to cpu or disk.",
    "load_and_quantize_model cannot load the bias\n" + META,
    "ignore_mismatched_sizes=True\n" + META,
    "KeyError: 'cpu'",
    "KeyError: 'user_id'",
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB",
    "ValueError: weight is on the meta device, we need a `value` to put in on 0.",
    f"""{TRACEBACK}  File "serve.py", line 14, in load
    model.to(device)
  File "{SITE}/accelerate/big_modeling.py", line 462, in wrapper
    return fn(*args, **kwargs)
{META}""",
    f"""{TRACEBACK}  File "train.py", line 3, in <module>
    trainer = Trainer(
  File "{SITE}/transformers/trainer.py", line 740, in _move_model_to_device
    model = model.to(device)
{META}""",
    f"""{TRACEBACK}  File "x.py", line 9, in <module>
  File "{SITE}/accelerate/hooks.py", line 165, in pre_forward
KeyError: 'cpu'""",
    f"""{TRACEBACK}  File "<stdin>", line 1, in <module>
  File "{SITE}/transformers/modeling_utils.py", line 3162, in to
{META}""",
)
VERSIONS: dict[str, tuple[str | None, ...]] = {
    "torch": (None, "2.1.2", "2.6.0+cu124", "nightly"),
    "transformers": (None, "4.49.0", "4.51.3", "4.50.0.dev0", "5.23.0", "unknown"),
    "accelerate": (None, "0.21.0", "1.0.1", "1.6.0", "1.15.0"),
}
HERE = (None, environment(torch="2.13.0+cpu", transformers="4.46.3", accelerate="1.0.1"), environment(torch="2.13.0+cpu", accelerate=None))
stated = st.fixed_dictionaries({name: st.sampled_from(versions) for name, versions in VERSIONS.items()})


def explained(text: str, here: Environment | None) -> Explanation:
    reader = TextReader(MATRIX)
    for line in text.split("\n"):
        reader.feed(line)
    return reader.explanation(here)


def sentences(value: Any) -> Iterator[str]:
    """Every text in a report but those of the environment and of the failure itself, which are not ours."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (tuple, list)):
        for each in value:
            yield from sentences(each)
    elif is_dataclass(value) and not isinstance(value, (type, Environment)):
        for field in fields(value):
            if field.name not in ("message", "frames", "place", "references", "schema_version", "question"):
                yield from sentences(getattr(value, field.name))


def causes(report: ExplanationReport) -> Iterator[LikelyCause]:
    for failure in report.failures:
        yield from failure.causes


def shown(report: ExplanationReport, width: int = 80) -> str:
    page = io.StringIO()
    print_explanation(report, Console(file=page, width=width, highlight=False, emoji=False))
    return page.getvalue()


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=250)
@given(st.sampled_from(FAILURES), stated, st.sampled_from(HERE), st.booleans())
def test_no_sentence_lacks_a_part_or_contradicts_another(
    failure: str, versions: dict[str, str | None], here: Environment | None, dated: bool
) -> None:
    listed = "\n".join(f"{name}=={version}" for name, version in versions.items() if version is not None)
    explanation = explained(f"{listed}\n{failure}", here)
    if dated:  # line numbers leave several releases
        explanation = explained(f"{listed}\n{failure}", with_candidates(here, versions))
    report = explanation_report(explanation, MATRIX, Redactor((), None, None), "failure.txt")
    page = shown(report)
    for said in (*sentences(report), page):
        assert not re.search(r"\b(?:[a-z-]+|MT\d+|Python) None\b(?! and|,)|\bNone (?:is|are|has|to)\b|\(None\)|\{(?:place|call)\}", said), said
        assert not re.search(r"\.\.|(?<!\w)\(\s*\)|, ,| ,|: ;|; ?;", said.replace("...", "")), said
    assert "What the text states" not in page
    if here is None and not dated:
        assert THIS_MACHINE not in page
    known = {name for name, each in explanation.environment.packages.items() if each.shown_version is not None}
    for cause in causes(report):
        check_cause(cause, explanation.environment, known)


def with_candidates(here: Environment | None, versions: dict[str, str | None]) -> Environment:
    base = here or environment()
    several = replace(environment(accelerate=None).packages["accelerate"], source="frames", candidates=("1.0.0", "1.0.1"))
    return replace(base, packages={**base.packages, "accelerate": several})


def check_cause(cause: LikelyCause, here: Environment, known: set[str]) -> None:
    for name in re.findall(r"which ([a-z-]+)(?: and [a-z-]+)? ran is not known", cause.upgrading):
        assert name not in known, cause.upgrading
    for name, version in re.findall(r"\b(torch|transformers|accelerate) (\S+) is among the releases", " ".join(cause.because)):
        assert here.packages[name].version == version
    if cause.cause != "not-ours":
        assert cause.upgrading
    if cause.upgrade is not None:
        assert cause.upgrading == f"Upgrade {cause.upgrade.package} from {cause.upgrade.from_} to {cause.upgrade.to}."
        assert here.packages[cause.upgrade.package].version == cause.upgrade.from_
    advisory = MATRIX.advisory(cause.advisory) if cause.advisory else None
    titles = {each.title for each in MATRIX.advisories} - {each.title for each in MATRIX.causes}
    assert (cause.title in titles) == (advisory is not None), cause.title
    if advisory is None:
        assert not re.search(r"\bMT\d+", f"{cause.title} {cause.upgrading}"), cause
