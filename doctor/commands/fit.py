"""`doctor fit`."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from doctor.commands import arguments, output
from doctor.errors import DoctorError

if TYPE_CHECKING:
    from doctor.facts.environment import Environment
    from doctor.facts.model import Checkpoint
    from doctor.reports.fit import FitReport

_EXIT_CODES = """\
exit codes:
  0  it fits: nothing is left on meta
  1  it loads with a part of it on meta, or it does not load
  2  could not do what was asked
"""
_STRATEGIES = ("auto", "balanced", "balanced_low_0", "sequential", "none")
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}
_SIZE = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)\s*([KMGT]I?)B?", re.IGNORECASE)

_EXAMPLES = (
    "doctor fit ./my-model  # here",
    "doctor fit org/model --gpu 24GiB,24GiB --ram 64GiB --context 8192",
    "doctor fit ./my-model --dtype bfloat16 --device-map sequential",
)


def add(commands: Any) -> None:
    """Declare `doctor fit` to the parser."""
    fit = arguments.add_command(
        commands,
        "fit",
        "will a model fit, and what of it will be left on meta",
        "Say how large a model is, where from_pretrained will put each part of it here, what\n"
        "is left on meta then, and what loading takes. The transformers and accelerate of the\n"
        "environment examined decide it, on meta; no weight is read.",
        _EXIT_CODES,
        examples=_EXAMPLES,
    )
    fit.add_argument("model", metavar="MODEL", help="a folder, a config.json, a safetensors or GGUF file, or the id of a model in the hub's cache")
    fit.add_argument(
        "--dtype", metavar="DTYPE", default="auto", help="as torch_dtype: float32, bfloat16, float16, ...; default: what it was saved in"
    )
    fit.add_argument("--device-map", metavar="MAP", default="auto", help=f"{', '.join(_STRATEGIES)}, or JSON: {{module: device}}; default: auto")
    fit.add_argument("--max-memory", metavar="JSON", help='as it is given to from_pretrained: \'{"0": "20GiB", "cpu": "30GiB"}\'')
    fit.add_argument("--quantization", choices=("8bit", "4bit"), help="by bitsandbytes")
    fit.add_argument("--offload-folder", metavar="DIR", help="as it is given to from_pretrained")
    fit.add_argument("--class", dest="class_", metavar="CLASS", help="which loads it (default: the one it was saved from)")
    fit.add_argument("--batch", type=_count, metavar="N", help="with --context: how many sequences are generated at once (default: 1)")
    fit.add_argument("--context", type=_count, metavar="N", help="for so many tokens, add what keys and values take")
    fit.add_argument("--gpu", type=sizes, metavar="SIZE[,SIZE]", help="as if these were the free GPUs: 24GiB or 24GiB,24GiB (none: 0)")
    fit.add_argument("--ram", type=size, metavar="SIZE", help="as if so much RAM were available: 32GiB")
    fit.add_argument("--online", action="store_true", help="read the headers of a model that is not here from the hub")
    fit.add_argument("--trust-remote-code", action="store_true", help="execute the model's own code, in the environment examined")
    fit.add_argument("--python", metavar="PATH", help="ask this interpreter or environment folder (default: the active one)")
    fit.add_argument("--no-live", action="store_true", help="run nothing of the environment examined: an estimate from the files")
    arguments.add_timeout_option(fit)
    arguments.add_matrix_option(fit)
    arguments.add_output_options(fit)
    arguments.add_redact_option(fit)
    fit.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from doctor import probe
    from doctor.commands.placing import Asked, Case, fit
    from doctor.models.estimate import DTYPES

    if options.dtype not in ("auto", *DTYPES):
        raise DoctorError(f"--dtype {options.dtype}: expected auto or one of {', '.join(DTYPES)}")
    if options.batch is not None and options.context is None:
        raise DoctorError("--batch: only with --context, which says for how many tokens")
    asked = Asked(
        dtype=options.dtype,
        device_map=device_map(options.device_map),
        max_memory=_max_memory(options.max_memory),
        offload_folder=options.offload_folder,
        quantization=options.quantization,
        gpus=options.gpu,
        ram=options.ram,
        model_class=options.class_,
        batch=options.batch,
        context=options.context,
        trust_remote_code=options.trust_remote_code,
        live=not options.no_live,
        seconds=options.timeout,
    )
    with output.destination(options.output) as page:
        checkpoint = checkpoint_of(options.model, online=options.online)
        if checkpoint.parts:
            raise DoctorError(_a_pipeline(checkpoint))
        matrix = arguments.matrix_of(options)
        environment = probe.examine(
            options.python,
            probe.Interest.of(matrix),
            live=not options.no_live,
            timeout=options.timeout or probe.TORCH_TIMEOUT_SECONDS,
            waiting=output.progress,
        )
        with output.progress("placing the model on meta"):
            report = fit(Case(checkpoint, asked, environment, matrix))
        write_fit(page, options, report, environment)
    return report.exit_code


def write_fit(page: Any, options: argparse.Namespace, report: FitReport, environment: Environment) -> None:
    """Write the report in the form asked for, through the gate."""
    from doctor.commands.reporting import gate

    shown = gate(options.redact, environment).value(report)

    def show(console: Any) -> None:
        from doctor.reports.terminal.fit import print_fit

        print_fit(shown, console)

    output.write(page, options.format, shown, show)


def checkpoint_of(name: str, *, online: bool) -> Checkpoint:
    """The inventory of the model that was named. Raises `DoctorError` when there is none, or it contradicts itself."""
    import os

    from doctor.models.inventory import read_checkpoint
    from doctor.models.locate import NotHere, locate_model

    try:
        return read_checkpoint(locate_model(name, os.environ), name)
    except NotHere as missing:
        if not online:
            raise
        from doctor.models.online import read_online

        with output.progress(f"reading the headers of {missing.hub_id}"):
            return read_online(missing.hub_id, os.environ)


def _a_pipeline(checkpoint: Checkpoint) -> str:
    import os

    named = ", ".join(os.path.join(checkpoint.path, each) for each in checkpoint.parts)
    return f"{checkpoint.path}: a pipeline of several models, each of which is placed by itself: name one of {named}"


def device_map(text: str) -> Any:
    """A device map as it is given to from_pretrained: the name of a strategy, or a JSON object. Raises `DoctorError` for anything else."""
    if text in _STRATEGIES:
        return {"": "cpu"} if text == "none" else text
    found = arguments.json_object(text, f"--device-map {text}", f"{', '.join(_STRATEGIES)}, or a JSON object from modules to devices")
    wrong = next((key for key, value in found.items() if isinstance(value, bool) or not isinstance(value, (int, str))), None)
    if wrong is not None or not found:
        raise DoctorError(f"--device-map: {wrong or 'it'} needs a device: the number of a GPU, `cpu`, `disk`, or a name such as `cuda:0`")
    return found


def _max_memory(text: str | None) -> Mapping[str, int] | None:
    if text is None:
        return None
    found = arguments.json_object(text, f"--max-memory {text}", 'JSON such as {"0": "20GiB", "cpu": "30GiB"}')
    sizes = {}
    for key, value in found.items():
        if not (key.isdecimal() or key in ("cpu", "disk", "mps")):
            raise DoctorError(f"--max-memory: {key} is no device: expected the number of a GPU, cpu, disk or mps")
        try:
            sizes[key] = value if type(value) is int and value >= 0 else size(str(value))
        except argparse.ArgumentTypeError as error:
            raise DoctorError(f"--max-memory: {key}: {error}") from None
    return sizes


def _count(text: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,7}", text):
        raise argparse.ArgumentTypeError(f"expected a number from 1 on, found {text!r}")
    return int(text)


def sizes(text: str) -> tuple[int, ...]:
    """Sizes of GPUs, with commas between; 0: there is none. Raises `ArgumentTypeError`."""
    return () if text == "0" else tuple(size(each) for each in text.split(","))


def size(text: str) -> int:
    """A size with its unit, read as accelerate reads it: GiB is 1024**3, GB is 1000**3."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise argparse.ArgumentTypeError(f"expected a size with its unit, such as 24GiB, found {text!r}")
    return int(float(found[1]) * _UNITS[found[2].upper()])
