"""`doctor check`."""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from doctor.commands import arguments, output
from doctor.commands.examining import stated_environment, stated_in_folder
from doctor.commands.reporting import write_report
from doctor.errors import DoctorError

if TYPE_CHECKING:
    from doctor.commands.settings import Settings
    from doctor.diagnosis.finding import Finding
    from doctor.diagnosis.policy import Policy
    from doctor.facts.environment import Environment
    from doctor.facts.model import Model
    from doctor.facts.observation import Observation
    from doctor.facts.program import Program
    from doctor.knowledge.matrix import Matrix

_DESCRIPTION = """\
Say what is installed, what of it is known to break model loading, and what to
do. With PROGRAM: which of it the program sets off, and where; it is read, never
run."""
_SEVERITIES = ("silent", "error", "warning")

_EXAMPLES = (
    "doctor check                               # what is active, or the .venv here",
    "doctor check train.py --model ./my-model   # which of it a program meets",
    "doctor check --from uv.lock src            # as a lock file states it",
    "doctor check src --format github --strict  # in CI",
)


def add(commands: Any) -> None:
    """Declare `doctor check` to the parser."""
    check = arguments.add_command(
        commands,
        "check",
        "examine an environment (the default command)",
        _DESCRIPTION,
        examples=_EXAMPLES,
    )
    check.add_argument(
        "program", nargs="*", metavar="PROGRAM", help="read these files, notebooks and folders (`-`: standard input), and say what of it they meet"
    )
    check.add_argument("-m", dest="module", action="append", metavar="MODULE", help="read this module (pkg.module), as `python -m` would run it")
    check.add_argument("--model", metavar="DIR", help="what the program loads: a folder with config.json, or such a file; its own code is read too")
    check.add_argument("--python", metavar="PATH", help="examine this interpreter or environment folder (default: the active one)")
    check.add_argument(
        "--from",
        dest="from_",
        metavar="FILE",
        help="diagnose the environment that FILE (`-`: standard input) or a project's folder states, not one here",
    )
    check.add_argument("--here", action="store_true", help="with --from: it came from here, so let what is here fill what it does not say")
    check.add_argument("--no-live", action="store_true", help="run nothing of the environment examined; torch is then not asked")
    arguments.add_timeout_option(check)
    check.add_argument("--package", action="append", metavar="NAME", help="only findings about this package (may be repeated)")
    check.add_argument("--id", action="append", metavar="ID", help="only this advisory, by id or slug (may be repeated)")
    check.add_argument("--severity", action="append", choices=_SEVERITIES, help="only this severity (may be repeated)")
    check.add_argument("--strict", action="store_true", help="let every finding count (exit code 1), also what bites only those who use it")
    check.add_argument("--ignore", action="append", metavar="ID", help="let this finding not count, by id or slug (may be repeated)")
    check.add_argument("--baseline", metavar="FILE", help="let only what is new since FILE was written count")
    check.add_argument("--write-baseline", metavar="FILE", help="write what is found to FILE, for --baseline")
    check.add_argument("--exit-zero", action="store_true", help="exit with 0 also when something is found that counts")
    check.add_argument("--exclude", action="append", metavar="PATTERN", help="do not read files and folders like this (may be repeated)")
    check.add_argument("--fix-suggestions", action="store_true", help="show the mechanical changes to the program as a diff; none is made")
    check.add_argument("--all", action="store_true", help="list also what bites only those who use it")
    check.add_argument("-v", "--verbose", action="store_true", help="show every finding and every fact, whole")
    check.add_argument("--brief", action="store_true", help="with --format json: what counts, and the counts of the rest")
    arguments.add_matrix_option(check)
    arguments.add_output_options(check, "sarif", "github")
    arguments.add_redact_option(check)
    check.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from doctor.commands.settings import project_settings
    from doctor.diagnosis.diagnosis import diagnose
    from doctor.diagnosis.finding import Narrowing
    from doctor.knowledge.releases import known_releases

    _mention_other_doctor()
    if options.brief and options.format != "json":
        raise DoctorError("--brief: only with --format json; on a terminal the report is brief unless --all or --verbose")
    if options.fix_suggestions and options.format != "terminal":
        raise DoctorError("--fix-suggestions: a diff for people, not with --format")
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
        settings = project_settings()
        policy = _policy(options, settings, matrix)
        environment, observations = _environment(options, matrix)
        model = _model(options.model) if options.model is not None else None
        program = _program(options, settings, model)
        diagnosis = diagnose(environment, matrix, known_releases(matrix), narrowing, observations, policy=policy, program=program, model=model)
        if program is not None and model is not None and options.from_ is None and not options.no_live and _depends_on_placement(diagnosis.findings):
            from doctor.commands.placing import with_placement

            with output.progress("placing the model on meta"):
                model = with_placement(model, program, environment)
            diagnosis = diagnose(environment, matrix, known_releases(matrix), narrowing, observations, policy=policy, program=program, model=model)
        for each in program.unread if program is not None else ():
            output.complain(f"{each.file}{f':{each.line}' if each.line else ''}: {each.reason}")
        if options.write_baseline is not None:
            from doctor.commands.baseline import write_baseline

            write_baseline(options.write_baseline, diagnosis)
        asked = options.all or options.strict or bool(options.id or options.package or options.severity)
        write_report(page, options, diagnosis, everything=asked, brief=options.brief)
        if options.fix_suggestions:
            output.write_text(page, _suggestions(diagnosis.findings))
    return 0 if options.exit_zero and diagnosis.exit_code == 1 else diagnosis.exit_code


def _program(options: argparse.Namespace, settings: Settings, model: Model | None) -> Program | None:
    """What the programs named do; None when none is named. Raises `DoctorError` for one that is not there."""
    names = [*options.program, *map(_module_file, options.module or ())] or [*settings.paths]
    names += model.code if model is not None else ()
    if not names:
        return None
    from doctor.hazards.scan import scan

    with output.stepped("reading the program") as reading:
        return scan(names, exclude=(*settings.exclude, *(options.exclude or ())), reading=reading)


def _depends_on_placement(findings: Sequence[Finding]) -> bool:
    """Whether any finding would be decided by where the model goes."""
    from doctor.diagnosis.placed import LEFT
    from doctor.knowledge.uses import VOCABULARY

    questions = {VOCABULARY[each].meaning for each in LEFT}
    return any(each.concerns == "possible-use" and questions & set(each.missing) for each in findings)


def _suggestions(findings: Sequence[Finding]) -> str:
    """The diffs for what the program sets off, or may, a file after the other."""
    from pathlib import Path

    from doctor.files import read_file
    from doctor.hazards.code import MOST_BYTES
    from doctor.hazards.suggestions import suggested_diff

    places = [place for each in findings if each.status != "cleared" for place in each.places if place.file.endswith(".py")]
    diffs = []
    for file in dict.fromkeys(each.file for each in places):
        with contextlib.suppress(OSError, UnicodeDecodeError):
            source = read_file(Path(file), MOST_BYTES).decode("utf-8")
            diffs.append(suggested_diff(source, file, [each for each in places if each.file == file]))
    return "\n" + "".join(diffs) if any(diffs) else "\nNo change is mechanical here.\n"


def _model(path: str) -> Model:
    from doctor.models.checkpoint import read_model

    return read_model(path)


def _module_file(module: str) -> str:
    """The file of a module, sought from the current folder and not imported. Raises `DoctorError` when there is none."""
    path = module.replace(".", os.sep)
    found = next((each for each in (f"{path}.py", os.path.join(path, "__main__.py"), path) if os.path.exists(each)), None)
    if found is None:
        raise DoctorError(f"-m {module}: neither {path}.py nor the folder {path} is there; it is sought from the current folder")
    return found


def _policy(options: argparse.Namespace, settings: Settings, matrix: Matrix) -> Policy:
    """What is to count. Raises `DoctorError` for an id that does not exist, and a baseline that cannot be read."""
    from doctor.diagnosis.policy import Policy

    ignored = tuple(arguments.known_id(name, matrix, "--ignore ") for name in (*settings.ignore, *(options.ignore or ())))
    baseline = options.baseline or settings.baseline
    first = options.baseline is None and options.write_baseline is not None and baseline is not None and not os.path.exists(baseline)
    if baseline is None or first:
        return Policy(options.strict, ignored)
    from doctor.commands.baseline import read_baseline

    return Policy(options.strict, ignored, read_baseline(baseline))


def _stated(name: str, matrix: Matrix) -> tuple[Environment, tuple[Observation, ...]]:
    return stated_in_folder(name, matrix) if os.path.isdir(name) else stated_environment(name, matrix)


def _environment(options: argparse.Namespace, matrix: Matrix) -> tuple[Environment, tuple[Observation, ...]]:
    """The environment asked for: examined, or read, or read and filled with what is here; and what reproducers saw there before."""
    stated, observations = _stated(options.from_, matrix) if options.from_ is not None else (None, ())
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
