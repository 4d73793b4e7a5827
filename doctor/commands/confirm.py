"""`doctor confirm`."""

from __future__ import annotations

import argparse
from typing import Any

from doctor.commands import arguments, output
from doctor.commands.reporting import write_report
from doctor.errors import DoctorError

_EXAMPLES = (
    "doctor confirm  # all that was found here",
    "doctor confirm MT080 --python ../other/.venv",
)


def add(commands: Any) -> None:
    """Declare `doctor confirm` to the parser."""
    confirm = arguments.add_command(
        commands,
        "confirm",
        "run the reproducers of what was found",
        (
            "Run the reproducers of the findings (or of the ids named) in the environment\n"
            "examined, each in a temporary folder, offline and with limits, and say which\n"
            "findings are confirmed there and which are cleared."
        ),
        examples=_EXAMPLES,
    )
    confirm.add_argument("id", nargs="*", metavar="ID", help="ids or slugs of advisories (default: all that were found)")
    confirm.add_argument("--python", metavar="PATH", help="examine this interpreter or environment folder (default: the active one)")
    confirm.add_argument("--device", choices=("cpu", "any"), default="cpu", help="`any` lets the reproducers see the GPUs (default: cpu)")
    confirm.add_argument(
        "--timeout", type=arguments.seconds, metavar="SECONDS", help="how long torch, and each reproducer, may take (default: 30 and 120)"
    )
    confirm.add_argument("--shape", metavar="NAME", help="run the reproducers in this shape only, where they have one of that name")
    confirm.add_argument("-v", "--verbose", action="store_true", help="show every finding whole")
    arguments.add_matrix_option(confirm)
    arguments.add_output_options(confirm)
    arguments.add_redact_option(confirm)
    confirm.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from doctor import probe
    from doctor.commands.examining import observe
    from doctor.diagnosis.diagnosis import diagnose
    from doctor.diagnosis.finding import Narrowing
    from doctor.knowledge.releases import known_releases
    from doctor.reproduce import reproducers

    with output.destination(options.output) as page:
        matrix = arguments.matrix_of(options)
        narrowing = Narrowing(ids=tuple(arguments.known_id(name, matrix, option="") for name in options.id))
        scripts = reproducers()
        without = [each for each in narrowing.ids if each not in scripts]
        if without:
            raise DoctorError(f"{', '.join(without)}: no reproducer, so nothing to confirm; `doctor matrix show {without[0]}` says what is known")
        timeout = options.timeout or probe.TORCH_TIMEOUT_SECONDS
        environment = probe.examine(options.python, probe.Interest.of(matrix), timeout=timeout, waiting=output.progress)
        diagnosis = diagnose(environment, matrix, known_releases(matrix), narrowing)
        wanted = narrowing.ids or tuple(each.id for each in diagnosis.findings if each.id in scripts)
        observations = observe(environment, wanted, scripts, options.device, options.timeout, shape=options.shape)
        if observations:
            diagnosis = diagnose(environment, matrix, known_releases(matrix), narrowing, observations)
        write_report(page, options, diagnosis)
    return diagnosis.exit_code
