"""A text read in one pass: its failures, its clues and the environment it states, put together into an explanation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from doctor.dating import date_frames
from doctor.dating.versions import with_dated_versions
from doctor.errors import DoctorError
from doctor.explain.causes import Known
from doctor.explain.explanation import ANSWERED, Clues, Explanation, Given
from doctor.explain.features import WordReader
from doctor.explain.judge import explain, text_patterns
from doctor.explain.loading import told_by
from doctor.explain.model import Model, fitted_model
from doctor.facts.environment import Environment, Unknown
from doctor.facts.symptom import Failure
from doctor.knowledge.fact import Answer, Fact, pattern_of
from doctor.knowledge.matrix import Matrix
from doctor.knowledge.releases import known_releases
from doctor.readers.clues import ClueReader
from doctor.readers.environments import EnvironmentReader, Reading, environment_of, filled_from
from doctor.readers.lines import cleaned_line
from doctor.readers.load_reports import LoadReportReader
from doctor.readers.prefixes import PrefixReader, scope_of
from doctor.readers.public_names import without_own_names
from doctor.readers.regions import Regions
from doctor.readers.sieve import MAX_CHARACTERS, GoesOn, Sieve, in_blocks
from doctor.readers.tracebacks import TracebackReader

_HEAD_CHARACTERS = 64 * 1024
"""So much of a text is read for code that people paste with it."""
_MAX_PROCESSES = 100_000
_MOST_BETWEEN = 40
"""Lines between two of which something comes that belong together: as many as may stand between two frames."""


def explain_lines(lines: Iterable[str], matrix: Matrix, *, name: str | None = None, here: Environment | None = None) -> Explanation:
    """What a text shows, and what caused it.

    `lines` are read once and not kept. `name` is the file's, which tells some formats apart. `here` is the environment the text
    came from, whose facts fill what the text does not say; None: what it does not say is unknown.
    """
    reader = TextReader(matrix, name)
    for block in in_blocks(lines):
        reader.read(block)
    return reader.explanation(here)


def read_logs(logs: Iterable[Iterable[bytes]], matrix: Matrix, *, name: str | None = None) -> TextReader:
    """A reader that has read one or several files taken as one text, which come in pieces: of a large one the parts worth it are read."""
    reader = TextReader(matrix, name)
    regions = Regions(reader)
    for log in logs:
        for chunk in log:
            regions.feed(chunk)
        regions.end()
    return reader


class TextReader:
    """Reads a text a line at a time, in memory that does not grow with it."""

    def __init__(self, matrix: Matrix, name: str | None = None, *, fitted: bool = True) -> None:
        """`fitted`: whether the fitted table weighs what was seen; otherwise the causes' signs alone do."""
        self._matrix = matrix
        self._fitted = fitted
        self._count = 0
        self.noticed = self._noticed_at = 0
        """Of how many lines anything came of an environment or a failure, and which was the last."""
        self._sieve = Sieve()
        self._prefixes = PrefixReader()
        self._processes: set[str] = set()
        self._tracebacks = TracebackReader()
        self._load_reports = LoadReportReader()
        self._given: list[Given] = []
        self._open: set[str] = set()
        """The names of facts whose answer is not known."""
        self._clues = ClueReader(text_patterns(matrix))
        self._head: list[str] = []
        self._head_characters = 0
        self._words = WordReader()
        self._environment: EnvironmentReader | None = EnvironmentReader(name, tuple(matrix.packages))
        self._broken = ""
        """Why what the text states of an environment cannot be read."""

    def feed(self, line: str) -> None:
        """Take the next line, as it came."""
        self._count += 1
        self._keep((line,))
        self._take(line)

    def read(self, lines: Sequence[str]) -> None:
        """Take the next lines, as they came: as `feed` would one by one, but passing over those of which nothing would come."""
        sieve = self._sieve
        self._keep(lines)
        for self._count, line in sieve.left(lines):
            changes = self._changes
            scope, goes_on = self._take(line)
            if self._changes != changes:
                sieve.forget()
            elif scope is not None:
                sieve.dull(line, scope, goes_on)

    def answer(self, fact: Fact, answer: Answer, by: Literal["option", "prompt", "here"]) -> None:
        """Take an answer about a fact, as if the text gave it. A fact that was answered before keeps its answer."""
        if all(each.name != fact.name for each in self._given):
            self._given.append(Given(fact.name, answer.value, by))
            self._clues.hold(pattern_of(fact, answer), ANSWERED)

    def leave_open(self, fact: Fact) -> None:
        """The answer is not known: another fact is to be asked for."""
        self._open.add(fact.name)

    def skip(self, count: int) -> None:
        """So many lines come next that are left out."""
        self._sieve.skip(count)

    def passes_over(self, line: str) -> bool:
        """Whether nothing would come of the line, as nothing came of one like it."""
        return self._sieve.passes_over(line)

    @property
    def attentive(self) -> bool:
        """Whether the next lines may belong to the last."""
        environment = self._environment
        within = environment is not None and (environment.in_a_report or environment.only_a_lock)
        return within or (self.noticed > 0 and self._sieve.next - self._noticed_at <= _MOST_BETWEEN)

    def _keep(self, lines: Sequence[str]) -> None:
        """Keep the beginning of the text as it came, for the code in it."""
        if self._head_characters < _HEAD_CHARACTERS:
            self._head += [line.rstrip("\r\n") for line in lines]
            self._head_characters += sum(map(len, lines))

    def _program(self) -> Mapping[str, int]:
        """The advisories that code in the text sets off for certain, each with the line where."""
        if not any("from_pretrained" in line or "import" in line for line in self._head):
            return {}
        from doctor.diagnosis.program import walk_into  # most texts hold no code, and do without what reads it
        from doctor.hazards.code import fenced_code
        from doctor.hazards.scan import program_of

        program = program_of(fenced_code(self._head, ""))
        walks = ((each.id, walk_into(each, program)) for each in self._matrix.advisories)
        return {advisory_id: walk.places[0].line for advisory_id, walk in walks if walk is not None and not walk.missing}

    @property
    def _changes(self) -> tuple[object, ...]:
        """What changes with how lines are taken."""
        environment = self._environment
        stated = (environment.attentive, environment.state) if environment is not None else None
        return self._tracebacks.changes, self._prefixes.ways, stated

    def _take(self, line: str) -> tuple[tuple[int, int] | None, GoesOn | None]:
        """Read the line. If nothing came of it: the part whose numbers count when others like it come (None: something may), and who goes on."""
        clean = cleaned_line(line)
        shown = False
        for number, printed in self._prefixes.read(self._count, clean):
            shown = self._tracebacks.take(number, printed) or shown
        if printed.process is not None and len(self._processes) < _MAX_PROCESSES:
            self._processes.add(printed.process)
        shown = self._load_reports.feed(self._count, printed.text, printed.process) or shown
        said = without_own_names(printed.text if printed.stream else clean)
        self._clues.feed(self._count, said, printed.process)
        self._words.feed(said, printed.process)
        stated, repeats, goes_on = self._state(clean)
        if shown or (stated and not repeats):
            self.noticed, self._noticed_at = self.noticed + 1, self._count
            return None, None
        if stated or self._clues.tells_apart(line[:MAX_CHARACTERS]):
            return (0, len(line)), goes_on
        return (0, 0) if printed.process is None else scope_of(line, printed), goes_on

    def _state(self, clean: str) -> tuple[bool, bool, GoesOn | None]:
        """Let the line state what it does of an environment: whether it stated anything, whether nothing new, and who goes on."""
        if self._environment is None:
            return False, False, None
        try:
            stated = self._environment.feed(self._count, clean)
        except DoctorError as error:
            self._environment, self._broken = None, str(error)
            return True, False, None
        return stated, self._environment.repeats, self._environment.goes_on

    def explanation(self, here: Environment | None = None, failures: tuple[Failure, ...] | None = None, model: Model | None = None) -> Explanation:
        """What was read; `failures` are those known otherwise (None: those the text shows), `model` weighs (None: the one doctor ships)."""
        environment = environment_of(self._stated(), tuple(self._matrix.packages))
        if here is not None:
            environment = filled_from(environment, here)
        seen = self._tracebacks.failures() if failures is None else failures
        environment = with_dated_versions(environment, date_frames(frame for each in seen for frame in each.frames), self._matrix.packages)
        explanation = explain(seen, self.clues(), self._known(environment, model), self._ranks())
        return replace(explanation, load_reports=self._load_reports.reports(), given=tuple(self._given))

    def _known(self, environment: Environment, model: Model | None) -> Known:
        if model is None and self._fitted:
            model = fitted_model()
        fits = model is not None and model.is_about(each.name for each in self._matrix.causes)
        asked = frozenset({*self._open, *(each.name for each in self._given)})
        return Known(environment, self._matrix, known_releases(self._matrix), model if fits else None, asked)

    def _ranks(self) -> tuple[int, ...]:
        settled = {self._prefixes.settled(each) for each in self._processes}
        return tuple(sorted(int(each) for each in settled if each is not None and each.isdecimal()))

    def clues(self) -> Clues:
        """The clues, by process where there are several: what the only one printed may well be about anything else in the text."""
        for report in self._load_reports.reports():
            for said in told_by(report):
                self._clues.feed(report.line, said, report.process)
        anybody: dict[str, int] = {}
        by_process: dict[str, dict[str, int]] = {}
        found = self._clues.found(self._prefixes.settled)
        several = len({process for lines in found.values() for process in lines} - {None}) > 1 or len(self._ranks()) > 1
        for pattern, lines in found.items():
            for process, line in lines.items():
                if process is None or not several:
                    anybody[pattern] = min(line, anybody.get(pattern, line))
                else:
                    by_process.setdefault(process, {})[pattern] = line
        return Clues(anybody, by_process, self._program(), self._said_words(several=several))

    def _said_words(self, *, several: bool) -> dict[str | None, frozenset[str]]:
        words: dict[str | None, frozenset[str]] = {}
        for process, said in self._words.words().items():
            whose = self._prefixes.settled(process) if several and process is not None else None
            words[whose] = words.get(whose, frozenset()) | said
        return words

    def _stated(self) -> Reading:
        """What the text states of an environment. A broken listing or report in it is no reason not to explain the rest."""
        try:
            if self._environment is not None:
                return self._environment.reading()
        except DoctorError as error:
            self._broken = str(error)
        return replace(EnvironmentReader().reading(), unread=(Unknown("environment", self._broken, important=True),))
