"""Models that are loaded already: held against their checkpoint in the process that has them, with the torch they bring."""

from __future__ import annotations

import functools
import html
import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from doctor.errors import DoctorError
from doctor.facts.inspection import Fault, Inspection, NotTold, Tensor
from doctor.reports.inspection import InspectionReport

if TYPE_CHECKING:
    from doctor.diagnosis.finding import Finding
    from doctor.facts.model import Checkpoint

_PACKAGES = ("torch", "transformers", "accelerate", "diffusers", "peft", "deepspeed", "bitsandbytes")


class ModelInspection:
    """What `inspect_model` found. Printed it is the report of `doctor verify`, in a notebook a table."""

    def __init__(self, report: InspectionReport) -> None:
        self.report = report
        """The whole, as `doctor verify --format json` gives it."""

    @property
    def is_true(self) -> bool:
        """Whether every tensor could be told, and is what it should be."""
        return self.report.exit_code == 0

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What is wrong, worst first."""
        return self.report.inspection.faults

    @property
    def not_told(self) -> tuple[NotTold, ...]:
        """What could not be told."""
        return self.report.inspection.not_told

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """Every parameter and buffer."""
        return self.report.inspection.tensors

    def as_json(self) -> str:
        """The document `inspection` as JSON text, for a file that `doctor compare` reads."""
        from doctor.reports.json import as_json

        return as_json(self.report, levels=4)

    def __repr__(self) -> str:
        return (
            f"<ModelInspection of {self.report.inspection.class_}: {self.report.summary}; {len(self.faults)} faults, {len(self.not_told)} not told>"
        )

    def __str__(self) -> str:
        from rich.console import Console

        from doctor.reports.terminal.inspection import print_inspection

        page = io.StringIO()
        print_inspection(self.report, Console(file=page, width=100, force_jupyter=False, highlight=False, emoji=False, markup=False))
        return "\n".join(line.rstrip() for line in page.getvalue().splitlines())

    def _repr_html_(self) -> str:
        from doctor.reports.terminal.inspection import KINDS

        rows = [
            (KINDS[fault.kind], fault.detail, ", ".join(fault.names[:5]) + (" …" if len(fault.names) > 5 else ""), ", ".join(fault.advisories))
            for fault in self.faults
        ]
        rows += [("could not be told", each.reason, ", ".join(each.names[:5]) + (" …" if len(each.names) > 5 else ""), "") for each in self.not_told]
        cells = "".join("<tr>" + "".join(f"<td style='text-align:left'>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
        head = "<tr><th>what</th><th>how</th><th>where</th><th>known as</th></tr>"
        table = f"<table>{head}{cells}</table>" if rows else ""
        return f"<p><b>{html.escape(self.report.inspection.class_)}</b>: {html.escape(self.report.summary)}</p>{table}"


def inspect_model(
    model: Any,
    checkpoint: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None,
    *,
    build: Callable[[], Any] | None = None,
    rebuild: bool = True,
    digests: bool = False,
) -> ModelInspection:
    """Hold a loaded model (any `nn.Module`, or a diffusers pipeline) against the checkpoint it was loaded from, in one pass.

    `checkpoint` is a folder, an id in the hub's local cache, or a safetensors file; several for a base and its adapter. None: only what
    can be told without it is (what is on meta, ties, buffers, hooks). The class is built once more, without its weights, for what no file
    says; `build` does that for a class whose arguments doctor cannot know, and `rebuild=False` leaves it out. `digests` adds one of each
    tensor, for `doctor compare`. Nothing in the model changes, but what its offloading hooks load and release as in a forward.

    Raises `DoctorError` when there is no torch in this process, or the checkpoint cannot be read.
    """
    torch = sys.modules.get("torch")
    if torch is None:
        raise DoctorError("inspect_model: torch is not imported in this process, so no model of it can be here")
    parts = _parts(model, torch)
    checkpoints = [checkpoint] if checkpoint is None or isinstance(checkpoint, (str, os.PathLike)) else list(checkpoint)
    found = [(name, _inspected(torch, part, checkpoints, name, build=build, rebuild=rebuild, digests=digests)) for name, part in parts]
    if [name for name, _ in parts] == [""]:
        answer = found[0][1]
    else:
        from doctor.probe.inside.truth import joined

        answer = joined(found, type(model).__name__, type(model).__module__)
    return _reported(answer, ", ".join(str(each) for each in checkpoints if each is not None))


def assert_loaded(
    model: Any,
    checkpoint: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    build: Callable[[], Any] | None = None,
    allow_not_told: bool = False,
) -> None:
    """Raise AssertionError, with the report, unless the model is true to the checkpoint; for tests, and before a training.

    What could not be told is no success either, unless it is allowed. Raises `DoctorError` as `inspect_model` does.
    """
    found = inspect_model(model, checkpoint, build=build)
    if found.faults or (found.not_told and not allow_not_told):
        raise AssertionError(f"the model is not what its checkpoint holds\n{found}")


def _parts(model: Any, torch: Any) -> list[tuple[str, Any]]:
    """The modules to hold against files: the model, or the parts of a pipeline with their names. Raises `DoctorError` for anything else."""
    if isinstance(model, torch.nn.Module):
        return [("", model)]
    components = getattr(model, "components", None)
    found = [(str(name), each) for name, each in components.items() if isinstance(each, torch.nn.Module)] if isinstance(components, dict) else []
    if not found:
        raise DoctorError(f"inspect_model: a {type(model).__name__} is neither an nn.Module nor a pipeline of some")
    return found


def _inspected(
    torch: Any, model: Any, checkpoints: Sequence[Any], part: str, *, build: Callable[[], Any] | None, rebuild: bool, digests: bool
) -> Mapping[str, Any]:
    from doctor.probe.inside import truth
    from doctor.probe.inside.truth.files import CannotRead, Stored
    from doctor.probe.verification import stored_in

    stored: list[Stored] = []
    pickled: list[str] = []
    for each in checkpoints:
        if each is not None:
            tensors, files = stored_in(_checkpoint(os.fspath(each), part))
            stored += [Stored(*tensor) for tensor in tensors]
            pickled += files
    try:
        answer: Mapping[str, Any] = truth.inspect(torch, model, stored, pickled, build=build, rebuild=rebuild, digests=digests)
    except CannotRead as error:
        raise DoctorError(str(error)) from None
    return answer


def _checkpoint(name: str, part: str) -> Checkpoint:
    from doctor.models.inventory import read_weights
    from doctor.models.locate import locate_model

    place = locate_model(name, os.environ)
    found = read_weights(os.path.join(place, part) if part else place, name)
    if found.format == "gguf":
        raise DoctorError(f"{name}: GGUF, in which weights are packed anew: nothing to hold a model against")
    return found


def _reported(answer: Mapping[str, Any], model: str) -> ModelInspection:
    from doctor.diagnosis.inspected import exposed, found_as_is, with_advisories
    from doctor.knowledge.matrix_file import load_matrix
    from doctor.probe.verification import inspection_of
    from doctor.reports.inspection import inspection_report, known_problems

    matrix = load_matrix()
    inspection: Inspection = inspection_of(answer)
    findings: tuple[Finding, ...] = ()
    if inspection.faults or any(each.where for each in inspection.tensors):
        findings = _findings()
        inspection = with_advisories(inspection, findings, matrix, found_as_is(inspection))
    bites = exposed(inspection, findings, matrix)
    modules = {name: sys.modules[name] for name in _PACKAGES if name in sys.modules}
    versions = {name: str(module.__version__) for name, module in modules.items() if hasattr(module, "__version__")}
    return ModelInspection(inspection_report(inspection, matrix, model, versions, known=known_problems(inspection, findings, bites), exposed=bites))


@functools.cache
def _findings() -> tuple[Finding, ...]:
    """What the packages of this process are known for. They stay what they are while it runs."""
    from doctor import probe
    from doctor.diagnosis.diagnosis import diagnose
    from doctor.knowledge.matrix_file import load_matrix
    from doctor.knowledge.releases import known_releases

    matrix = load_matrix()
    return diagnose(probe.examine(sys.executable, probe.Interest.of(matrix), live=False), matrix, known_releases(matrix)).findings
