"""`doctor check`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from doctor.commands import arguments, output
from doctor.commands.examining import stated_environment
from doctor.commands.reporting import write_report
from doctor.errors import DoctorError

if TYPE_CHECKING:
    from doctor.facts.environment import Environment
    from doctor.facts.observation import Observation
    from doctor.knowledge.matrix import Matrix

_SEVERITIES = ("silent", "error", "warning")


def add(commands: Any) -> None:
    """Declare `doctor check` to the parser."""
    check = arguments.add_command(
        commands,
        "check",
        "examine an environment (the default command)",
        "Say what is installed, what of it is known to break model loading, and what to\ndo.",
    )
    check.add_argument("--python", metavar="PATH", help="examine this interpreter or environment folder (default: the active one)")
    check.add_argument("--from", dest="from_", metavar="FILE", help="diagnose the environment that FILE (`-`: standard input) states, not one here")
    check.add_argument("--here", action="store_true", help="with --from: it came from here, so let what is here fill what it does not say")
    check.add_argument("--no-live", action="store_true", help="run nothing of the environment examined; torch is then not asked")
    check.add_argument("--timeout", type=arguments.seconds, metavar="SECONDS", help="how long torch may take to answer (default: 30)")
    check.add_argument("--package", action="append", metavar="NAME", help="only findings about this package (may be repeated)")
    check.add_argument("--id", action="append", metavar="ID", help="only this advisory, by id or slug (may be repeated)")
    check.add_argument("--severity", action="append", choices=_SEVERITIES, help="only this severity (may be repeated)")
    check.add_argument("-v", "--verbose", action="store_true", help="show every finding whole")
    arguments.add_matrix_option(check)
    arguments.add_output_options(check)
    check.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from doctor.diagnosis.diagnosis import Narrowing, diagnose
    from doctor.knowledge.releases import known_releases

    _mention_other_doctor()
    if options.here and options.from_ is None:
        raise DoctorError("--here: only with --from, whose text it says came from here")
    if options.python is not None and options.from_ is not None and not options.here:
        raise DoctorError("--from and --python: one environment or the other; with --here as well, --python names the one the text came from")
    with output.destination(options.output) as page:
        matrix = arguments.matrix_of(options)
        narrowing = Narrowing(
            packages=tuple(arguments.known_package(name, matrix) for name in options.package or ()),
            ids=tuple(arguments.known_id(name, matrix) for name in options.id or ()),
            severities=tuple(options.severity or ()),
        )
        environment, observations = _environment(options, matrix)
        diagnosis = diagnose(environment, matrix, known_releases(), narrowing, observations)
        write_report(page, options, diagnosis)
    return diagnosis.exit_code


def _environment(options: argparse.Namespace, matrix: Matrix) -> tuple[Environment, tuple[Observation, ...]]:
    """The environment asked for: examined, or read, or read and filled with what is here; and what reproducers saw there before."""
    stated, observations = stated_environment(options.from_, matrix) if options.from_ is not None else (None, ())
    if stated is not None and not options.here:
        return stated, observations
    from doctor import probe

    examined = probe.examine(
        options.python,
        probe.Interest.of(matrix),
        live=not options.no_live,
        timeout=options.timeout or probe.TORCH_TIMEOUT_SECONDS,
        waiting=output.progress,
    )
    if stated is None:
        return examined, ()
    from doctor.readers.environments import filled_from

    return filled_from(stated, examined), observations


def _mention_other_doctor() -> None:
    """Say when `doctor` on PATH is another distribution's: env-doctor installs a script of that name too."""
    from doctor.commands.other_doctor import owner_of_doctor_on_path

    owner = owner_of_doctor_on_path()
    if owner is not None:
        script, module = owner
        output.complain(f"note: {script} belongs to another program ({module}); this one is also `meta-tensor-doctor` and `python -m doctor`")
