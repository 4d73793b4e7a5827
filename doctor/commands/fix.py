"""`doctor fix`."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from doctor.commands import arguments, output
from doctor.errors import DoctorError

if TYPE_CHECKING:
    from rich.console import Console

    from doctor.diagnosis.diagnosis import Diagnosis
    from doctor.facts.environment import Environment
    from doctor.fix.course import Came
    from doctor.fix.examination import Examination
    from doctor.fix.home import Home
    from doctor.fix.installer import Installer
    from doctor.fix.manifests import Pin
    from doctor.fix.mending import ByHand
    from doctor.fix.proof import Seen
    from doctor.fix.resolving import Answer, Case, Prescription
    from doctor.fix.snapshot import Journal
    from doctor.knowledge.matrix import Matrix
    from doctor.reports.fix import FixReport, Outcome, Treated

_DESCRIPTION = """\
Cure what concerns this environment, and PROGRAM, by the smallest change of
releases: chosen from what is known, resolved by the environment's installer
without breaking what else is installed, shown, asked for, applied, proved by
the reproducers, and put back when it does not do what it is for."""
_EXIT_CODES = """\
exit codes:
  0  cured and proved; or nothing to do; or undone
  1  not everything is cured, or nothing was changed yet (--dry-run)
  2  could not do what was asked; everything is as it was
"""

_EXAMPLES = (
    "doctor fix --dry-run       # what would be changed",
    "doctor fix train.py --yes  # cure what this program meets, and prove it",
    "doctor fix --undo          # put back what was there",
)


def add(commands: Any) -> None:
    """Declare `doctor fix` to the parser."""
    fix = arguments.add_command(commands, "fix", "cure what was found, prove it, or undo it", _DESCRIPTION, _EXIT_CODES, examples=_EXAMPLES)
    fix.add_argument("program", nargs="*", metavar="PROGRAM", help="cure also what these files, notebooks and folders meet")
    fix.add_argument("--only", nargs="+", metavar="ID", help="cure only these, also if they bite only what uses them")
    fix.add_argument("--latest", action="store_true", help="go to the newest releases that cure it, not to the nearest")
    fix.add_argument("--dry-run", action="store_true", help="show what would be changed, and change nothing")
    fix.add_argument("--yes", action="store_true", help="do not ask")
    fix.add_argument("--write", action="store_true", help="change requirements, constraints and pyproject.toml that stand against it, too")
    fix.add_argument("--undo", action="store_true", help="put back what was there before the last fix")
    fix.add_argument("--python", metavar="PATH", help="the interpreter or environment folder to change (default: the active one)")
    arguments.add_timeout_option(fix)
    arguments.add_matrix_option(fix)
    arguments.add_output_options(fix)
    arguments.add_redact_option(fix)
    fix.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    if options.undo and (options.program or options.only or options.latest or options.dry_run or options.write):
        raise DoctorError("--undo: puts back what was there, and takes nothing else than --python and --yes")
    with output.destination(options.output) as page:
        return _Fix(options, page).run()


class _Fix:
    """One run of the command: what it is told, what it found, and where it writes."""

    def __init__(self, options: argparse.Namespace, page: TextIO) -> None:
        from doctor.fix.home import home_of
        from doctor.probe import current_choice
        from doctor.reports.fix import FixReport
        from doctor.version import __version__

        self._options, self._page = options, page
        self._matrix: Matrix = arguments.matrix_of(options)
        patient = current_choice(options.python)
        self._home: Home = home_of(patient)
        self._only = tuple(arguments.known_id(each, self._matrix, "--only ") for each in options.only or ())
        self._report = FixReport(
            schema_version=2,
            document="fix",
            doctor_version=__version__,
            matrix_version=self._matrix.version,
            matrix_source=self._matrix.source,
            executable=self._home.executable,
            prefix=str(self._home.prefix),
            chosen_because=patient.python.chosen_because,
            outcome="nothing-to-do",
            sentence="",
            exit_code=0,
        )

    def run(self) -> int:
        """Do what was asked; returns the exit code."""
        from doctor.fix.snapshot import locked, read_journal

        journal = read_journal(self._home)
        if self._options.undo:
            with locked(self._home):
                return self._undo(journal)
        if journal is not None and journal.state != "done":
            with locked(self._home):
                return self._unfinished(journal)
        return self._fix()

    # An earlier fix

    def _undo(self, journal: Journal | None) -> int:
        from doctor.fix import course
        from doctor.fix.snapshot import changed_since

        if journal is None:
            return self._end("refused", f"There is nothing to undo in {self._home.prefix}: no fix was made there, or it was undone already.")
        since = changed_since(journal, self._home.inventory())
        if since and journal.state == "done":
            return self._end("not-undone", f"It was changed again since, and undoing would lose that: {'; '.join(since)}. Put that right first.")
        with output.progress("putting back what was there"):
            same = course.undo(journal, self._home, self._installer(journal.installer))
        steps = ", ".join(f"{each.package} {each.from_ or 'not installed'}" for each in journal.steps)
        outcome: Outcome = "undone" if same else "not-undone"
        sentence = f"Undone: {steps}." if same else "What doctor changed was put back, but others have changed something too since."
        return self._end(outcome, sentence, steps=journal.steps, freeze_is_the_same=same)

    def _unfinished(self, journal: Journal) -> int:
        """A fix that was cut short: finished, undone, or left for the user to say which."""
        from doctor.fix import course
        from doctor.reports.fix import concluded

        moved = ", ".join(f"{each.package} {each.from_ or ''} to {each.to}".replace("  ", " ") for each in journal.steps)
        self._report = concluded(self._report, "unfinished", "", steps=journal.steps)
        said = f"An earlier fix was cut short while {journal.state}: {moved}."
        restoring = journal.state == "restoring"
        answer = "u" if restoring and self._options.yes else "f" if self._options.yes else ""
        if not answer and not self._options.dry_run:
            answer = _asked(f"{said} {'Undo it' if restoring else 'Finish it, undo it'}, or leave it? [{'' if restoring else 'f/'}u/N] ")
        if answer == "u":
            return self._undo(journal)
        if answer != "f":
            aimed = f" --python {self._home.executable}" if self._options.python else ""
            return self._end("unfinished", f"{said} `doctor fix --yes{aimed}` finishes it, `doctor fix --undo{aimed}` undoes it.")
        installer = self._installer(journal.installer)
        with output.progress("finishing what was cut short"):
            came = course.finish(journal, self._home, installer, self._looking(journal.cures, installer), self._editing(journal))
        targets = [self._treated(each, "reproduced" if each in journal.reproduced else None, "", each in journal.cures) for each in journal.targets]
        return self._came(came, targets, journal.edited)

    # A fix

    def _fix(self) -> int:
        from doctor.fix.examination import answer_for
        from doctor.fix.home import refusal

        examination = self._examined()
        aimed, observed = examination.aim, examination.observed
        remedies = {each.id: each.remedy for each in examination.diagnosis.findings}
        verdicts = {each.id: each.verdict for each in observed.observations} if observed is not None else {}
        self._note(by_hand=self._by_hand(examination))
        if not aimed.targets:
            if self._report.by_hand:
                self._show_plan()
            return self._end(*self._nothing(examination.diagnosis, verdicts))
        with output.progress("asking the installer what goes together"):
            case, answer = answer_for(examination, self._home, self._matrix, latest=self._options.latest)
        prescription = answer.prescription
        cures = prescription.cures if prescription is not None else ()
        targets = [self._treated(each, verdicts.get(each), remedies.get(each, ""), each in cures) for each in aimed.targets]
        self._note(targets=tuple(targets), obstacles=answer.obstacles, unreachable=answer.unreachable)
        if prescription is None:
            self._show_plan()
            return self._end("no-cure", self._no_cure(answer))
        self._describe(prescription, examination.environment, case)
        against = refusal(self._home) or self._hindered(prescription, examination)
        if against is not None:
            self._show_plan()
            return self._end("refused", f"Nothing was changed: {against}.")
        if case is None or not prescription.verified:
            self._show_plan()
            why = answer.unreachable or "no installer could be asked"
            return self._end("unverified", f"Not verified, and nothing was changed: this is what the matrix says alone, as {why}.")
        return self._ruled(prescription, examination, case, targets)

    def _ruled(self, prescription: Prescription, examination: Examination, case: Case, targets: list[Treated]) -> int:
        """Go on unless something else rules the environment."""
        from doctor.fix.manifests import is_container, managed_by

        managed = managed_by(examination.environment, self._home, case.inventory, prescription.steps)
        pins = self._pins(prescription)
        self._note(pins=pins, managed=managed, command=managed.command if managed is not None else self._report.command)
        self._show_plan()
        writable = [each for each in pins if each.by_hand is None]
        if managed is not None:
            written = self._write(writable) if self._options.write and not self._options.dry_run else ()
            then = " Its manifest is changed already: let it lock and install." if written else ""
            return self._end("managed", f"Nothing was installed: {managed.because}.{then}", written=written)
        if any(each.by_hand for each in pins if not is_container(each)):
            return self._end("managed", "A file of the project pins what is installed now, and doctor cannot change it; nothing was changed.")
        if writable and not self._options.write:
            return self._end("managed", "A file of the project pins what is installed now: `doctor fix --write` changes it and the environment.")
        if self._options.dry_run:
            return self._end("planned", "This would be changed; nothing was.")
        if not self._options.yes and _asked("Do it? [y/N] ") != "y":
            return self._end("declined", "Nothing was changed. `--yes` does it without asking.")
        return self._carry_out(prescription, case, self._journal(prescription, examination, case, writable), targets)

    def _journal(self, prescription: Prescription, examination: Examination, case: Case, pins: Sequence[Pin]) -> Journal:
        """What is so before anything is changed."""
        from doctor.fix import course
        from doctor.fix.resolving import complaints_of
        from doctor.fix.snapshot import Journal

        observed = examination.observed
        assert observed is not None
        with output.progress("noting what is there"):
            return Journal(
                state="applying",
                steps=prescription.steps,
                index=prescription.index,
                targets=examination.aim.targets,
                cures=prescription.cures,
                reproduced=tuple(each.id for each in observed.observations if each.verdict == "reproduced"),
                freeze=course.frozen(case.installer),
                complaints=case.installer.check() if complaints_of(case) else (),
                importable=tuple(name for name, version in observed.imports.items() if version is not None),
                installer=case.installer.name,
                edited=tuple(dict.fromkeys(each.file for each in pins)),
            )

    def _carry_out(self, prescription: Prescription, case: Case, journal: Journal, targets: list[Treated]) -> int:
        from doctor.fix import course
        from doctor.fix.snapshot import locked

        self._note(complaints_before=journal.complaints)
        doing = f"installing {', '.join(prescription.pins)}, and proving it"
        with locked(self._home), output.progress(doing):
            came = course.carry_out(journal, self._home, case.installer, self._looking(journal.cures, case.installer), self._editing(journal))
        return self._came(came, targets, journal.edited)

    def _came(self, came: Came, targets: Sequence[Treated], written: tuple[str, ...]) -> int:
        """Say what came of a change."""
        from doctor.facts.frozen import replace
        from doctor.fix.snapshot import room_taken
        from doctor.probe.unfinished import KEPT

        seen = {each.id: each.verdict for each in came.seen.observations} if came.seen is not None else {}
        cured = came.proof.cured if came.proof is not None else ()
        if came.proof is not None:
            targets = [replace(each, after=seen.get(each.id), cured=each.id in cured) for each in targets]
        self._note(targets=tuple(targets))
        if came.failure is not None:
            faults = came.proof.faults if came.proof is not None else ()
            return self._end("put-back", f"It was not done: {came.failure}.", faults=faults, freeze_is_the_same=came.same)
        left = [each.id for each in targets if not each.cured]
        uncured = f"; not cured: {', '.join(left)}" if left else ""
        sentence = f"{', '.join(cured)} cured{uncured}. Everything else is satisfied as before."
        kept = self._home.prefix / KEPT
        return self._end("cured", sentence, kept_in=str(kept), kept_bytes=room_taken(self._home), written=written)

    # What is known

    def _examined(self) -> Examination:
        """The environment, and what of it is to be cured."""
        from doctor import probe
        from doctor.commands.baseline import read_baseline
        from doctor.commands.settings import project_settings
        from doctor.diagnosis.policy import Policy
        from doctor.fix.examination import examine

        options, matrix, settings = self._options, self._matrix, project_settings()
        known = read_baseline(settings.baseline) if settings.baseline is not None and os.path.exists(settings.baseline) else ()
        policy = Policy(False, tuple(arguments.known_id(each, matrix, "ignore ") for each in settings.ignore), known)
        names, program = options.program or settings.paths, None
        if names:
            from doctor.hazards.scan import scan

            with output.stepped("reading the program") as reading:
                program = scan(names, exclude=settings.exclude, reading=reading)
        timeout = options.timeout or probe.TORCH_TIMEOUT_SECONDS
        environment = probe.examine(options.python, probe.Interest.of(matrix), timeout=timeout, waiting=output.progress)
        return examine(environment, matrix, policy, self._only, program, counting=lambda count: output.counted(count, f"running {count} reproducers"))

    def _by_hand(self, examination: Examination) -> tuple[ByHand, ...]:
        """The faults of the installation that count, or that were asked for."""
        from doctor.fix.mending import by_hand

        diagnosis = examination.diagnosis
        findings = [each for each in diagnosis.findings if each.id in self._only] if self._only else diagnosis.counted
        if not any(each.kind == "installation" for each in findings):
            return ()
        installer = None
        with contextlib.suppress(DoctorError):
            installer = self._installer(examination.environment.manager.name)
        return by_hand(findings, examination.environment, installer)

    def _hindered(self, prescription: Prescription, examination: Examination) -> str | None:
        """What has to be mended by hand before the change can be made; None where nothing has."""
        from doctor.fix.mending import hindering

        found = hindering(examination.diagnosis.findings, [each.package for each in prescription.steps])
        return (
            f"{' and '.join(f'{each.title} ({each.id})' for each in found)}, so nobody can say what to keep of it; mend that first" if found else None
        )

    def _looking(self, cures: Sequence[str], installer: Installer) -> Callable[[], Seen]:
        """Looks again after the change; what is done then is being waited for already, and a terminal shows one such thing at a time."""
        from doctor.fix.examination import look

        return lambda: look(self._home, self._matrix, cures, installer, lambda _: contextlib.nullcontext(lambda _: None))

    def _installer(self, manager: str) -> Installer:
        from doctor.fix.installer import installer_of

        return installer_of(manager, self._home, self._home.inventory())

    def _pins(self, prescription: Prescription) -> tuple[Pin, ...]:
        """What files of the project say against it: beside the environment, and here, unless another one's environment was named."""
        from pathlib import Path

        from doctor.fix.manifests import pins_against

        folders = [self._home.prefix.parent, *([] if self._options.python else [Path.cwd()])]
        return pins_against(folders, prescription.steps)

    def _editing(self, journal: Journal) -> Callable[[], Mapping[str, str]]:
        """The new texts of the files that are changed with it, of what stands in them by then."""
        from pathlib import Path

        from doctor.fix.manifests import pins_against

        def edits() -> Mapping[str, str]:
            pins = pins_against([Path(each).parent for each in journal.edited], journal.steps)
            return self._edits([each for each in pins if each.file in journal.edited])

        return edits

    def _edits(self, pins: Sequence[Pin]) -> Mapping[str, str]:
        """The new texts of the files that pins stand in. Raises `DoctorError` where one cannot be read."""
        from pathlib import Path

        from doctor.fix.manifests import written

        texts: dict[str, str] = {}
        for file in dict.fromkeys(each.file for each in pins):
            try:
                with open(Path(file), encoding="utf-8", newline="") as stream:
                    texts[file] = written(file, stream.read(), [each for each in pins if each.file == file])
            except (OSError, ValueError) as error:
                raise DoctorError(f"{file}: cannot be read: {error}") from None
        return texts

    def _write(self, pins: Sequence[Pin]) -> tuple[str, ...]:
        from pathlib import Path

        from doctor.fix.course import write_file

        edits = self._edits(pins)
        for name, text in edits.items():
            write_file(Path(name), text)
        return tuple(edits)

    # What is said

    def _treated(self, advisory_id: str, before: Any, remedy: str, planned: bool) -> Treated:
        from doctor.reports.fix import Treated

        advisory = self._matrix.advisory(advisory_id)
        return Treated(advisory_id, advisory.title if advisory else advisory_id, before, None, None, planned, remedy)

    def _nothing(self, diagnosis: Diagnosis, verdicts: Mapping[str, str]) -> tuple[Outcome, str]:
        """Why there is nothing to do, or nothing that a change of releases does."""
        by_hand = ", ".join(dict.fromkeys(each.id for each in self._report.by_hand))
        if by_hand:
            return "no-cure", f"No change of releases cures {by_hand}: what is to be done by hand stands with it, and nothing was changed."
        passed = [each for each, verdict in verdicts.items() if verdict == "not reproduced"]
        if passed:
            return (
                "nothing-to-do",
                f"Nothing to do: {', '.join(passed)} would be so by its versions, but does not happen here (its reproducer passed).",
            )
        if self._only:
            held = {each.id: each for each in diagnosis.findings if each.id in self._only}
            if held:
                return "no-cure", f"No release cures {', '.join(held)}. {next(iter(held.values())).remedy}"
            return "nothing-to-do", f"Nothing to do: {', '.join(self._only)} {'is' if len(self._only) == 1 else 'are'} not in these versions."
        others = diagnosis.counted
        if others:
            return "no-cure", f"No change of releases cures {', '.join(dict.fromkeys(each.id for each in others))}. {others[0].remedy}"
        return "nothing-to-do", "Nothing to do: nothing is wrong with this environment that a change of releases would cure."

    def _no_cure(self, answer: Answer) -> str:
        if answer.obstacles:
            return "No set of releases that would cure it can be installed here; nothing was changed."
        remedies = " ".join(dict.fromkeys(each.remedy for each in self._report.targets if each.remedy))
        return f"No release is without it. {remedies}"

    def _describe(self, prescription: Prescription, environment: Environment, case: Case | None) -> None:
        """Note the change, as it is shown."""
        from doctor.facts.environment import STACK
        from doctor.upgrade.command import for_posix_shell

        moved = {each.package for each in prescription.steps}
        stays = {
            name: environment.packages[name].version or "of unknown version" for name in STACK if name in environment.packages and name not in moved
        }
        command = for_posix_shell(case.installer.install_command(prescription.pins, prescription.index)) if case is not None else None
        self._note(steps=prescription.steps, brings=prescription.brings, stays=stays, command=command)

    def _note(self, **known: Any) -> None:
        from doctor.facts.frozen import replace

        self._report = replace(self._report, **known)

    def _show_plan(self) -> None:
        from doctor.reports.terminal.fix import print_plan

        self._show(print_plan)

    def _end(self, outcome: Outcome, sentence: str, **more: Any) -> int:
        """Say what came of it, in the form asked for; returns the exit code."""
        from doctor.reports.fix import concluded
        from doctor.reports.terminal.fix import print_outcome

        self._report = concluded(self._report, outcome, sentence, **more)
        if self._options.format == "json":
            output.write(self._page, "json", self._masked(), lambda _: None)
        else:
            self._show(print_outcome)
        return self._report.exit_code

    def _show(self, view: Callable[[FixReport, Console], None]) -> None:
        if self._options.format == "terminal":
            output.write(self._page, "terminal", None, lambda console: view(self._masked(), console))

    def _masked(self) -> FixReport:
        from doctor.commands.reporting import gate
        from doctor.reports.fix import masked

        return masked(self._report, gate(self._options.redact))


def _asked(question: str) -> str:
    """The first letter of what the user answers; nothing where nobody is there to."""
    if sys.stdin is None or not sys.stdin.isatty():
        return ""
    sys.stderr.write(output.printable(question))
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower()[:1]
