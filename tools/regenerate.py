"""Write what is generated and committed: the JSON Schemas in doctor/schemas/, docs/causes.md and the output shown in README and docs.

    python tools/regenerate.py [STACK]

STACK is an environment folder with the releases of `tests/stacks.py`'s old stack; without it sample output that depends on one stays.
Tests compare both with what the code gives, so that neither can drift.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from doctor.knowledge.fact import Fact
from doctor.knowledge.matrix_file import builtin_file, builtin_matrix
from doctor.reports.json import published_schemas

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
PAGES = (README, ROOT / "docs" / "manual.md", ROOT / "docs" / "models.md")
"""Which show what commands print."""
HUB_CACHE = ROOT / "tests" / "models" / "cache" / "hub"
"""With the configurations of the models that are spoken of, and no weights."""
SCHEMAS = ROOT / "doctor" / "schemas"
CAUSES = ROOT / "docs" / "causes.md"
_BLOCK = re.compile(r"(?P<head>```console\n\$ (?P<command>doctor[^\n]*)\n)(?P<output>.*?)(?P<foot>```\n)", re.DOTALL)
_MACHINE = re.compile(r"^     [^\n]*RAM [^\n]*\n|\+[a-z0-9]+(?=[,\n])|^  disk  [^\n]*(?:\n {33}[^\n]*)*\n|^  RAM while [^\n]+\n", re.MULTILINE)
"""What is true of one machine only: its devices and memory, and the build of torch."""


def command_output(command: str, stack: Path | None) -> str:
    """What `command` prints, 80 columns wide and without colour, run in the folder of `stack`, shown as `~/project`."""
    environment = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1", "PYTHONPATH": str(ROOT)}
    if stack is not None:
        environment = {name: value for name, value in environment.items() if name not in ("VIRTUAL_ENV", "CONDA_PREFIX")}
        environment["HOME"] = str(stack.parent.parent)
    arguments = [sys.executable, "-m", "doctor", *command.split()[1:]]
    with tempfile.TemporaryDirectory() as folder:
        environment["HF_HUB_CACHE"] = str(shutil.copytree(HUB_CACHE, Path(folder, "hub")))  # which the hub's library writes into
        done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False, cwd=stack and stack.parent)
    if stack is None:
        return done.stdout
    shown = done.stdout.replace(str(stack.parent.resolve()), "~/project")
    return re.sub(r"(?<=/bin/python)\n +(?=\()", " ", shown)  # broken because of a path that is longer than the one shown


def without_machine_facts(output: str) -> str:
    """`output` without what differs between machines."""
    return _MACHINE.sub("", re.sub(r"\(\w+ 3\.\d+\.\d+\)", "(Python)", output))


def shown_blocks(text: str) -> dict[str, str]:
    """The `doctor` commands that a page shows, with the output shown for each."""
    return {match["command"]: match["output"] for match in _BLOCK.finditer(text)}


def needs_stack(command: str) -> bool:
    """Whether what a command prints depends on the environment examined."""
    return "--help" not in command and not command.startswith("doctor matrix")


def causes_page() -> str:
    """docs/causes.md: what `doctor explain` tells apart."""
    rows = [_row(cause.name, cause.kind, cause.title, cause.remedy, cause.settle, ", ".join(cause.advisories)) for cause in builtin_matrix().causes]
    about = json.loads((builtin_file().parent / "causes.json").read_text("utf-8"))["about"]
    measured = _CAUSES_MEASURED.format(
        fitted=about["fitted on"],
        labelled=about["scores"]["reports"],
        retold=about["scores of the retold"]["reports"],
        scores=_shares(about["scores"], about["scores of the retold"]),
        reliability=_reliability(about["scores"]),
        reliability_of_the_retold=_reliability(about["scores of the retold"]),
        trade_off=_trade_off(about["scores"]),
        trade_off_of_the_retold=_trade_off(about["scores of the retold"]),
        recommended=sum(about[each]["upgrades recommended"] for each in ("scores", "scores of the retold")),
        harmful=sum(about[each]["harmful upgrades"] for each in ("scores", "scores of the retold")),
        older=_shares(about["older reports of other repositories"]),
        number=about["older reports of other repositories"]["reports"],
        older_harmful=about["older reports of other repositories"]["harmful upgrades"],
        older_recommended=about["older reports of other repositories"]["upgrades recommended"],
        parts="\n".join(f"| {name} | {' | '.join(f'{each:.1%}' for each in row)} |" for name, row in about["families of features"].items()),
    )
    facts = [_fact_row(fact) for fact in builtin_matrix().facts]
    return _CAUSES_HEAD + "\n".join(rows) + "\n" + _CAUSES_FACTS + "\n".join(facts) + "\n" + measured


def _shares(*scores: Mapping[str, Any]) -> str:
    rows = ((name, [each[name] for each in scores]) for name, value in scores[0].items() if isinstance(value, float))
    return "\n".join(f"| {name} | {' | '.join(f'{value:.1%}' for value in values)} |" for name, values in rows)


def _reliability(scores: Mapping[str, Any]) -> str:
    return "\n".join(f"| {mean:.0%} | {right:.0%} | {count} |" for mean, right, count in scores["reliability"])


def _trade_off(scores: Mapping[str, Any]) -> str:
    return "\n".join(f"| {' | '.join(f'{each:.0%}' for each in row)} |" for row in scores["trade-off"])


def _fact_row(fact: Fact) -> str:
    answers = "; ".join(f"`{answer.value}`: {answer.seen}" for answer in fact.answers)
    here = [f"`{source}`" for source in (fact.variable, fact.setting and f"{fact.setting} of accelerate's configuration") if source]
    ways = [f"`{way}`" for way in (fact.run, fact.command) if way]
    return _row(fact.name, fact.ask, ", or ".join(ways), answers, ", ".join(here))


def _row(name: str, *cells: str) -> str:
    return f"| `{name}` | " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


_CAUSES_HEAD = """\
# Causes

What `doctor explain` tells apart, as it stands in [`data/compat.yaml`](../data/compat.yaml) under `causes`: each with the signs it is known by
(messages, frames in their order, words of the text, versions). A sign that proves is a sentence that no other failure says, and decides. What
the other signs say is weighed together with what else is to be seen (`observations`, the words of the text, the functions of the traceback) by
coefficients that were fitted to labelled public reports ([`data/causes.json`](../data/causes.json), by
[`tools/fit_causes.py`](../tools/fit_causes.py)). `unknown` and `not-ours` compete with the causes. What whoever ran it named does not count:
of a path, only what a library, a known program or a format calls it is read; file names, addresses, hashes, times and prompts are not.

A bug is fixed, or to be fixed, by a release; misuse is in the calling code; a resource is missing; an incompatibility lies between versions.
The kind below is the usual one; of what kind a cause is in a text is judged by what else the text says (who moved the model: its user, or a library).

| cause | kind | what happened | what to do | what would settle it | advisories |
|---|---|---|---|---|---|
"""


_CAUSES_FACTS = """
## Facts that tell causes apart

Where causes are undecided `doctor explain` prints the one fact that would part them, and takes the answer: `--fact threads=yes`, or on a terminal
`--ask`. In place of a word the answer may be what the line printed; in a text it may stand as a line of its own, `answered: threads is yes`. It
weighs as what stands in the text does: strongly for the causes it names, against those that only other answers name, and some answers rule
causes out. With `--here` what is set there answers by itself.

| fact | question | how to get it | answers | with `--here` |
|---|---|---|---|---|
"""


_CAUSES_MEASURED = """
## How often it is right

Fitted on {fitted}.
Measured is what `doctor explain` answers in the end, by nested cross-validation: each report is judged by a model that was fitted without any
report of the same repository, and how sure it is was chosen without them too. "Decidable" are reports whose text alone tells, "ours" those of
them that are of this family, "near misses" those that are not; right is a report whose first cause is one that its text allows, however sure.
"Answered" is with a confidence of at least 50 %. "Undecidable answered" are reports whose text does not tell. "Kind" is whether a cause is a bug,
misuse, for want of a resource or an incompatibility, where those who labelled a report agree on that.

| measure | {labelled} labelled | {retold} retold |
|---|---|---|
{scores}

The first column flatters: some of the examples in our own words, and signs, were written with those reports in view. The reports of the second
were collected after them by readers who knew the definitions of the causes and nothing of doctor, and labelled again by others, blind. Only
those on which both agree are kept (93 of 100), and they are shorter than what people post. The {number} older reports, of yet other
repositories, were judged by a model that learned from none of them; they are labelled with older and coarser names of causes:

| measure | value |
|---|---|
{older}

Upgrades were recommended for {recommended} of all the reports, {harmful} of them where the label says that none helps, that it hurts, or that
a later release is needed; of the older ones for {older_recommended}, {older_harmful} of them. None is recommended unless the version is known to
lie within the range of an advisory of the cause that it is sure of.

The confidence is to be taken at its word if what is said with 70 % is right in 70 %. Of the answers of about one confidence:

| confidence | right | answers |
|---|---|---|
{reliability}

The same of the retold:

| confidence | right | answers |
|---|---|---|
{reliability_of_the_retold}

If an answer counted from another confidence on than one half:

| from | decidable answered | right of them | near misses called ours | undecidable answered |
|---|---|---|---|---|
{trade_off}

The same of the retold:

| from | decidable answered | right of them | near misses called ours | undecidable answered |
|---|---|---|---|---|
{trade_off_of_the_retold}

To cry wolf and to guess does more harm than to leave a question open. So in what confidence is fitted to, near misses called ours and reports
that do not tell count as often as it can bear and still be off by no more than 10 % on average, before what proves is counted; the border itself
stays one half.

With some of what is seen left out, everything else the same:

| seen | decidable right | near misses called ours | undecidable answered |
|---|---|---|---|
{parts}

What limits it: two who label a report blind agree on the first cause in 86 of 100, and on the kind in nine of ten of those that both call
decidable and ours. Of the undecidable ones that were answered, some are answered with what the whole thread came to in the end. And of the first
column a figure of forty near misses or fifty undecidable reports moves by two percent with each.
"""


def main(arguments: Sequence[str]) -> None:
    """Rewrite the schemas, and the shown output that can be rewritten."""
    stack = Path(arguments[0]).resolve() if arguments else None
    SCHEMAS.mkdir(exist_ok=True)
    for name, text in published_schemas().items():
        (SCHEMAS / name).write_text(text, encoding="utf-8")

    CAUSES.write_text(causes_page(), encoding="utf-8")

    def renewed(match: re.Match[str]) -> str:
        if needs_stack(match["command"]) and stack is None:
            return match[0]
        return match["head"] + command_output(match["command"], stack) + match["foot"]

    for page in PAGES:
        page.write_text(_BLOCK.sub(renewed, page.read_text("utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
