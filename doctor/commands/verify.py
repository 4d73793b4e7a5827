"""`doctor verify`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from doctor.commands import arguments, output
from doctor.errors import DoctorError
from doctor.facts.sizes import GIB

if TYPE_CHECKING:
    from rich.console import Console

    from doctor.facts.model import Checkpoint

EXIT_CODES = """\
exit codes:
  0  the model that was loaded is true to its files
  1  it is not
  2  that could not be told, or what was asked could not be done
"""
_DESCRIPTION = """\
Load a model as you would, in the environment examined, and hold every tensor of
it against its files: what has no data, was never loaded, holds other values, is
not tied; and the buffers that no file holds against those of its class.

Loading runs the code of the environment's packages, and with
--trust-remote-code that of the model. Nothing is fetched."""

_EXAMPLES = (
    "doctor verify ./my-model",
    "doctor verify ./my-model --digests --format json --output here.json",
)


def add(commands: Any) -> None:
    """Declare `doctor verify` to the parser."""
    verify = arguments.add_command(commands, "verify", "hold a loaded model against its files", _DESCRIPTION, EXIT_CODES, examples=_EXAMPLES)
    verify.add_argument("model", metavar="MODEL", help="a folder with config.json or model_index.json, or a hub id in the local cache")
    verify.add_argument(
        "--class",
        dest="class_",
        metavar="CLASS",
        help="a class of transformers or diffusers, or your own: FILE.py:CLASS or MODULE:CLASS (default: as its configuration says)",
    )
    verify.add_argument("--device-map", metavar="MAP", help="auto, balanced, sequential, a device, or a JSON object")
    verify.add_argument("--dtype", metavar="TYPE", help="float32, float16, bfloat16 or auto, as from_pretrained takes it")
    verify.add_argument("--trust-remote-code", action="store_true", help="run the code that lies beside the model, if its configuration names any")
    verify.add_argument("--python", metavar="PATH", help="load it with this interpreter or environment folder (default: the active one)")
    verify.add_argument("--device", choices=("cpu", "any"), default="any", help="`cpu` hides the GPUs from it (default: any)")
    verify.add_argument("--timeout", type=arguments.seconds, metavar="SECONDS", help="how long all of it may take (default: 1800)")
    verify.add_argument("--memory", type=_gigabytes, metavar="GIB", help="how much memory it may take (default: what is available)")
    verify.add_argument("--digests", action="store_true", help="with --format json: a digest of each tensor, for `doctor compare`")
    verify.add_argument("-v", "--verbose", action="store_true", help="show every tensor")
    arguments.add_matrix_option(verify)
    arguments.add_output_options(verify)
    arguments.add_redact_option(verify)
    verify.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from doctor import probe
    from doctor.commands.reporting import gate
    from doctor.diagnosis.diagnosis import diagnose
    from doctor.diagnosis.inspected import exposed, freshly_loaded, with_advisories
    from doctor.knowledge.releases import known_releases
    from doctor.models.checkpoint import read_model
    from doctor.probe.memory import examine_memory
    from doctor.probe.verification import SECONDS, Loading, load_and_inspect
    from doctor.reports.inspection import LoadedHow, inspection_report, known_problems

    loading = Loading(options.class_, _device_map(options.device_map), options.dtype, options.trust_remote_code, options.device, options.digests)
    with output.destination(options.output) as page:
        matrix = arguments.matrix_of(options)
        folder, parts = _parts(options.model)
        if options.trust_remote_code is False and options.class_ is None:
            _refuse_own_code_alone(options.model, parts)
        environment = probe.examine(options.python, probe.Interest.of(matrix), live=False)
        assert environment.python.executable is not None
        memory = options.memory or examine_memory().available
        with output.stepped("loading the model and holding it against its files") as step:
            loaded = load_and_inspect(
                environment.python.executable,
                parts,
                folder,
                loading,
                seconds=options.timeout or SECONDS,
                memory=memory,
                went=lambda _, done, total: step(done, total) if total else None,
            )
        findings = diagnose(environment, matrix, known_releases(matrix)).findings
        model = read_model(folder) if "" in parts else None
        holds = {*_words(options, loading), *(model.holds if model is not None else ())}
        classes = (options.class_ or "AutoModel", *(model.architectures if model is not None else ()), loaded.inspection.class_)
        situation = freshly_loaded(loaded.inspection, holds, classes)
        inspection = with_advisories(loaded.inspection, findings, matrix, situation)
        how = LoadedHow(options.class_, options.device_map, options.dtype, loaded.seconds, loaded.peak_bytes)
        bites = exposed(inspection, findings, matrix)
        report = inspection_report(
            inspection, matrix, options.model, loaded.versions, known=known_problems(inspection, findings, bites), exposed=bites, loaded=how
        )
        report = gate(options.redact, environment, trusted=[each.name for each in inspection.tensors]).value(report)

        def show(console: Console) -> None:
            from doctor.reports.terminal.inspection import print_inspection

            print_inspection(report, console, verbose=options.verbose)

        output.write(page, options.format, report, show)
    return report.exit_code


def _parts(model: str) -> tuple[str, dict[str, Checkpoint]]:
    """The folder, and the checkpoints in it: one without a name, or those of a pipeline's parts."""
    import os

    from doctor.models.inventory import read_checkpoint
    from doctor.models.locate import locate_model

    folder = locate_model(model, os.environ)
    checkpoint = read_checkpoint(folder, model)
    if not os.path.isdir(folder):
        if os.path.basename(folder) not in ("config.json", "model_index.json"):
            raise DoctorError(f"{model}: one file of weights; name the folder with its config.json, which from_pretrained loads")
        folder = os.path.dirname(folder) or os.curdir
    parts = {name: read_checkpoint(os.path.join(folder, name), name) for name in checkpoint.parts} or {"": checkpoint}
    without = [name for name, each in parts.items() if each.format not in ("safetensors", "bin")]
    if without:
        what = "its weights are in GGUF, which is not loaded as it is" if parts[without[0]].format == "gguf" else "there are no weights in it"
        raise DoctorError(f"{os.path.join(model, without[0]) if without[0] else model}: {what}: nothing to hold a model against")
    return folder, parts


def _refuse_own_code_alone(model: str, parts: dict[str, Checkpoint]) -> None:
    """Raises `DoctorError` for a model that only its own code can load: a kind that no library knows, and old releases would stop and ask."""
    config = parts[""].config if "" in parts else {}
    if isinstance(config.get("auto_map"), dict) and not isinstance(config.get("model_type"), str):
        raise DoctorError(f"{model}: only code of its own can load it, which its configuration names: --trust-remote-code runs it")


def _device_map(text: str | None) -> Any:
    if text is None or not text.lstrip().startswith("{"):
        return text
    found = arguments.json_object(text, f"--device-map {text}", "a device, or a JSON object from modules to devices")
    if not all(isinstance(place, (str, int)) for place in found.values()):
        raise DoctorError('--device-map: each module needs a device, as "cpu", "disk" or 0')
    return found


def _words(options: argparse.Namespace, loading: Any) -> set[str]:
    """How it is loaded, in words of the vocabulary of uses."""
    from doctor.diagnosis.placed import map_words

    words = {"load-automodel"} if options.class_ == "AutoModel" else set()
    words |= {"trust-remote-code"} if options.trust_remote_code else set()
    words |= {"half-precision"} if options.dtype in ("float16", "bfloat16") else set()
    places = loading.device_map
    if places is None:
        return words
    words.add("device-map")
    if isinstance(places, str):
        return words | ({"device-map-auto"} if places in ("auto", "balanced", "balanced_low_0", "sequential") else set())
    return words | map_words({str(each) for each in places.values()})


def _gigabytes(text: str) -> int:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < 1e6:
        raise argparse.ArgumentTypeError(f"expected a number of GiB, found {text!r}")
    return int(number * GIB)
