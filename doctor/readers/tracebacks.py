"""Tracebacks as people paste them: plain, IPython's, rich's, pytest's; prefixed by a logger, interleaved by ranks, cut anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterable

from doctor.facts.frozen import replace
from doctor.facts.symptom import Failure, Frame
from doctor.readers.lines import MAX_LINE_CHARACTERS
from doctor.readers.prefixes import PrefixReader, Printed

MAX_MESSAGE_CHARACTERS = 4096
_MAX_FRAMES = 400
"""Of a longer traceback (a recursion) the outer and the inner half of this are kept."""
_MAX_MESSAGE_LINES = 40
_MAX_FAILURES = 500
_MAX_STREAMS = 2048
_MAX_LINES_BETWEEN_FRAMES = 40
"""IPython shows a dozen lines round each frame, pytest whole functions."""

_MAX_PATH_CHARACTERS = 1024

_HEADER = re.compile(r"(?:^|(?P<exception>[\w.]{3,100})\s{1,200})Traceback \(most recent call (?P<order>last|first)\)")
_REVERSED = re.compile(r"^(?:Current thread|Thread) 0x[0-9a-f]{1,16} .{0,200}\(most recent call first\):")
_CHAINED = re.compile(r"^(?:During handling of the above exception|The above exception was the direct cause)")
_REPEATED = re.compile(r"^\[Previous line repeated \d{1,9} more times?\]$")

_FUNCTION = r"(?P<function><[\w ]{1,80}(?:: ?\d{1,7})?>|[\w.<>]{1,400})"
_PLAIN = re.compile(rf'^(?:.{{0,40}}?File )?"?(?P<file>[^"\n]{{0,400}}?)",? line (?P<line>\d{{1,7}})(?!\d)(?:,? in {_FUNCTION})?')
_UNQUOTED = re.compile(rf"^(?:File:? )?(?P<file>[^\s\"',;()]{{1,400}}\.py),? line (?P<line>\d{{1,7}})(?!\d)(?:,? in {_FUNCTION})?")
_COLON = re.compile(rf"^(?P<file>(?:[A-Za-z]:)?[^\s:\"'()]{{1,400}}\.py):(?P<line>\d{{1,7}})(?P<pytest>:)? in {_FUNCTION}")
_CELL = re.compile(rf"^(?:Cell|Input) In ?\[\d{{1,7}}\],? (?:line (?P<line>\d{{1,7}})(?!\d)|in {_FUNCTION})")
_NOTEBOOK = re.compile(rf"^(?:File )?(?P<file>(?:[A-Za-z]:)?[^\s:\"']{{1,400}}):(?P<line>\d{{1,7}}), in {_FUNCTION}")
_NOTEBOOK_OLD = re.compile(
    rf"^\[?(?P<file>\S{{0,400}}\.py|<ipython-input-[\w-]{{1,80}}>|<cell [^>]{{1,80}}>)\]?(?:\([^)]{{0,400}}\))? in {_FUNCTION}\(?"
)
_CELL_OLD = re.compile(r"^in (?P<function><cell line: ?\d{1,7}>|<module>)\(?\)?$")
_PYTEST = re.compile(r"^(?P<file>[^\s:]{1,400}\.py):(?P<line>\d{1,7}):(?: (?P<exception>[A-Za-z_][\w.]{0,120}(?:Error|Exception)))?$")
_BOXED = re.compile(r"^in (?P<function>\w{1,200}):(?P<line>\d{1,7})$")
"""rich's, of a frame whose file it does not find."""
_FRAMES = (_PLAIN, _COLON, _BOXED, _NOTEBOOK, _NOTEBOOK_OLD, _CELL, _CELL_OLD, _UNQUOTED)
_MAY_BE_FRAME = re.compile(r"line \d|\.py|In ?\[\d|\bin <|, in |^in \w+:\d")

_BROKEN_PATH = re.compile(r"^(?:/|~/|[A-Za-z]:[\\/])[^\s\"']{15,1024}(?: in)?$")
_ARROW = re.compile(r"^-{1,40}> ?(?P<line>\d{1,7})(?: (?P<code>.*))?$|^\u2771 {0,40}(?P<rich_line>\d{1,7})(?P<rich_code> .*)?$")
_CONTEXT = re.compile(r"^\d{1,7}(?: |$)")
_PYTEST_CODE = re.compile(r"^> {2,}(?P<code>\S.*)$")
_PYTEST_ERROR = re.compile(r"^E {2,}(?P<error>\S.*)$")
_NUMBER = re.compile(r"\d+")
_DEF = re.compile(r"^(?:async )?def (?P<function>\w{1,200})\(")
_NAME = r"[A-Za-z_][\w.]{0,120}"
_EXCEPTION = re.compile(
    rf"^(?P<exception>{_NAME}(?:Error|Exception|Interrupt|Exit|Failure|Fault|Timeout|Iteration|Group|NotFound|Warning)|{_NAME}\.[A-Z]\w{{0,120}})"
    r"(?:: (?P<message>.*)|:?$)"
)
_EXCEPTION_WITHIN = re.compile(rf"(?:^|[\s:\-\[(,>])(?P<exception>(?:{_NAME}\.)?[A-Z]\w{{0,120}}(?:Error|Exception)): (?P<message>\S.*)$")


def read_failures(lines: Iterable[str]) -> tuple[Failure, ...]:
    """Every failure in a text of cleaned lines (see `doctor.readers.lines`), in the order they begin, each once."""
    reader = TracebackReader()
    for number, line in enumerate(lines, 1):
        reader.feed(number, line)
    return reader.failures()


class _Open:
    """A traceback that is being read."""

    __slots__ = ("ended", "exception", "frames", "line", "message", "numbered", "reverse", "since_frame", "tail", "wants_code")

    def __init__(self, line: int, *, exception: str | None = None, reverse: bool = False) -> None:
        self.line = line
        self.exception = exception
        self.frames: list[Frame] = []
        self.tail: list[Frame] = []
        self.message: list[str] = []
        self.since_frame = 0
        self.reverse = reverse
        self.wants_code = False
        self.numbered = False
        """Lines with numbers round the frame's own are context, as in rich's boxes."""
        self.ended = False
        """The exception was read; only lines of its message can follow."""

    def add(self, frame: Frame) -> None:
        half = self.frames if len(self.frames) < _MAX_FRAMES // 2 else self.tail
        half.append(frame)
        if len(self.tail) > _MAX_FRAMES // 2:
            del self.tail[0]
        self.since_frame = 0

    @property
    def full(self) -> bool:
        """It takes no more lines, and only some end it."""
        enough = len(self.message) >= _MAX_MESSAGE_LINES or sum(map(len, self.message)) >= MAX_MESSAGE_CHARACTERS
        return self.ended and bool(self.frames) and enough

    @property
    def last(self) -> Frame | None:
        frames = self.tail or self.frames
        return frames[-1] if frames else None

    def amend_last(self, **changes: object) -> None:
        half = self.tail or self.frames
        half[-1] = replace(half[-1], **changes)  # type: ignore[arg-type]


class _Stream:
    """What one process printed, as far as the prefixes tell processes apart."""

    __slots__ = ("blank", "chain_from", "code", "function", "last", "open", "path", "process")

    def __init__(self, process: str | None = None) -> None:
        self.process = process
        self.open: _Open | None = None
        self.function: str | None = None
        """Of pytest's long style: the function whose source is being shown."""
        self.code: str | None = None
        self.path = ""
        """A path that a narrow box broke at its end of line."""
        self.chain_from: list[int] = []
        """Failures that led to the one to come."""
        self.last: int | None = None
        self.blank = False

    @property
    def attentive(self) -> bool:
        """Whether any line may belong to what is being read."""
        return self.path != "" or (self.open is not None and not self.open.full)


class TracebackReader:
    """Reads a text a line at a time, in memory that does not grow with the text."""

    def __init__(self) -> None:
        self._prefixes = PrefixReader()
        self._streams: dict[str, _Stream] = {}
        self._failures: list[Failure] = []
        self._known: dict[tuple[object, ...], int] = {}
        self.changes = 0
        """How often it has changed how lines are taken: a traceback began or ended."""

    def feed(self, number: int, line: str) -> None:
        """Take the next line; `number` counts from 1."""
        for at, printed in self._prefixes.read(number, line[:MAX_LINE_CHARACTERS]):
            self.take(at, printed)

    def take(self, number: int, printed: Printed) -> bool:
        """Take the next line without its prefixes; returns whether anything came of it, or may come of it with what follows."""
        key = printed.stream
        stream = self._streams.get(key)
        if stream is None:
            if len(self._streams) >= _MAX_STREAMS:
                key, stream = "", self._streams.get("", _Stream())
            else:
                stream = _Stream(printed.process if key else None)
            self._streams[key] = stream
        before, open_before = stream.attentive, stream.open
        handled = self._read(stream, number, printed.text, printed.indented)
        if stream.open is not open_before or stream.attentive is not before:
            self.changes += 1
            return True
        return handled or before

    def failures(self) -> tuple[Failure, ...]:
        """What was read; call it when the text has ended."""
        for stream in self._streams.values():
            self._close(stream)
        return tuple(self._failures)

    def _read(self, stream: _Stream, number: int, text: str, indented: bool) -> bool:
        blank, stream.blank = stream.blank, not text
        if not text:
            if stream.open is not None and stream.open.ended:
                self._close(stream)
            return False
        if stream.path:
            between = " " if stream.path.endswith(" in") or text.startswith("in ") else ""
            text, stream.path = stream.path + between + text, ""
        handled = (
            self._boundary(stream, number, text)
            or (_MAY_BE_FRAME.search(text) is not None and self._frame(stream, number, text))
            or self._code(stream, text, indented)
            or self._exception(stream, number, text, indented, blank)
        )
        if not handled:
            self._anything_else(stream, text, indented)
        return handled or _DEF.match(text) is not None

    def _boundary(self, stream: _Stream, number: int, text: str) -> bool:
        """A line that says where a traceback begins, or how two belong together."""
        header = _HEADER.search(text) if "most recent call" in text else None
        if header is not None or _REVERSED.match(text):
            self._close(stream)
            exception = header["exception"] if header is not None and header["exception"] not in ("Group", "Exception") else None
            stream.open = _Open(number, exception=exception, reverse=header is None or header["order"] == "first")
            return True
        if _CHAINED.match(text):
            self._close(stream)
            if stream.last is not None:
                stream.chain_from = [stream.last]
            return True
        return bool(_REPEATED.match(text))

    def _frame(self, stream: _Stream, number: int, text: str) -> bool:
        pytest = _PYTEST.match(text)
        if pytest is not None:
            self._add(stream, number, Frame(_path(pytest["file"]), int(pytest["line"]), stream.function, stream.code))
            stream.function = stream.code = None
            if pytest["exception"] and stream.open is not None:
                stream.open.exception = stream.open.exception or pytest["exception"]
            return True
        for pattern in _FRAMES:
            found = pattern.match(text)
            if found is not None:
                parts = found.groupdict()
                line, function = parts.get("line"), parts.get("function")
                file = parts.get("file")
                self._add(
                    stream,
                    number,
                    Frame(
                        _path(file) if file is not None else "" if pattern is _BOXED else "<notebook>", int(line) if line else None, function or None
                    ),
                )
                assert stream.open is not None
                stream.open.wants_code = pattern in (_PLAIN, _UNQUOTED, _COLON)
                stream.open.numbered = pattern is _COLON and not parts.get("pytest")
                return True
        return False

    def _add(self, stream: _Stream, number: int, frame: Frame) -> None:
        if stream.open is None or stream.open.ended:
            self._close(stream)
            stream.open = _Open(number)
        stream.open.add(frame)

    def _code(self, stream: _Stream, text: str, indented: bool) -> bool:
        """A source line that belongs to the last frame."""
        if (found := _PYTEST_CODE.match(text)) is not None:
            stream.code = found["code"].strip()
            return True
        if (defined := _DEF.match(text)) is not None and (stream.open is None or not stream.open.wants_code):
            stream.function = defined["function"]
        traceback = stream.open
        if traceback is None or traceback.ended or traceback.last is None:
            return False
        if _points_at_code(text):
            return True
        arrow = _ARROW.match(text)
        if arrow is not None:
            line, code = arrow["line"] or arrow["rich_line"], (arrow["code"] or arrow["rich_code"] or "").strip("\u2502\u2503 ")
            if traceback.last.line is None or traceback.last.line == int(line):
                traceback.amend_last(line=int(line), code=code or None)
            traceback.wants_code = False
            return True
        if traceback.numbered and _CONTEXT.match(text):
            return True
        if traceback.wants_code and (indented or not _EXCEPTION.match(text)):
            traceback.amend_last(code=text)
            traceback.wants_code = False
            return True
        return False

    def _exception(self, stream: _Stream, number: int, text: str, indented: bool, after_blank: bool) -> bool:
        pytest = _PYTEST_ERROR.match(text)
        found = _EXCEPTION.match(pytest["error"] if pytest else text)
        traceback = stream.open
        if pytest is not None and found is None:
            if traceback is not None and traceback.message:
                traceback.message.append(pytest["error"])
            return True
        if found is None and (traceback is None or traceback.ended or not traceback.frames or "meta" in text):
            found = _EXCEPTION_WITHIN.search(text)
            indented = False
        if found is None or found["exception"].endswith("Warning") or (indented and pytest is None and traceback is None):
            return False
        if traceback is not None and traceback.ended:
            if pytest is None and not after_blank and traceback.message and found["exception"] == traceback.exception:
                return True  # the same line once more, as some loggers print it
            self._close(stream)
        if stream.open is None:
            if not found["message"]:
                return False  # a name alone, in prose
            stream.open = _Open(number)
        stream.open.exception = found["exception"]
        stream.open.message = [(found["message"] or "").strip()]
        stream.open.ended = pytest is None
        return True

    def _anything_else(self, stream: _Stream, text: str, indented: bool) -> None:
        traceback = stream.open
        if traceback is None:
            return
        if traceback.ended:
            if text.startswith("```") or not traceback.frames:
                self._close(stream)  # prose goes on; only a traceback's own message has further lines
            elif sum(map(len, traceback.message)) < MAX_MESSAGE_CHARACTERS and len(traceback.message) < _MAX_MESSAGE_LINES:
                traceback.message.append(text)
            return
        if len(text) < _MAX_PATH_CHARACTERS and _BROKEN_PATH.match(text):
            stream.path = text
            return
        traceback.since_frame += 1
        if traceback.since_frame > _MAX_LINES_BETWEEN_FRAMES:
            self._close(stream)

    def _close(self, stream: _Stream) -> None:
        traceback, stream.open = stream.open, None
        stream.path = ""
        if traceback is None or not (traceback.frames or traceback.message):
            return
        frames = [*traceback.frames, *traceback.tail]
        message = "\n".join(traceback.message).strip()[:MAX_MESSAGE_CHARACTERS]
        failure = Failure(traceback.exception, message, tuple(reversed(frames) if traceback.reverse else frames), traceback.line)
        stream.last = self._recorded(failure, stream.process)
        for earlier in stream.chain_from:
            if earlier != stream.last and stream.last is not None:
                self._failures[earlier] = replace(self._failures[earlier], cause_of=stream.last)
        stream.chain_from = []

    def _recorded(self, failure: Failure, process: str | None) -> int | None:
        """The failure's index; one that was seen before is counted, not kept again, and says which processes printed it."""
        key = (failure.exception, _NUMBER.sub("0", failure.message), failure.frames)
        index = self._known.get(key)
        if index is None:
            if len(self._failures) >= _MAX_FAILURES:
                return None
            index = self._known[key] = len(self._failures)
            self._failures.append(replace(failure, count=0))
        before = self._failures[index]
        self._failures[index] = replace(_printed_by(before, process), count=before.count + 1)
        return index


def _printed_by(failure: Failure, process: str | None) -> Failure:
    """The failure, printed by one process more."""
    if process is None:
        return failure
    if process.isdecimal():
        return replace(failure, ranks=tuple(sorted({*failure.ranks, int(process)})))
    return replace(failure, processes=tuple(dict.fromkeys((*failure.processes, process))))


def _points_at_code(text: str) -> bool:
    """Whether the line only marks a part of the one above, `    ~~^~~`, or stands for lines left out, `...<3 lines>...`."""
    if not text.strip("~^. \t"):
        return "^" in text or "." not in text
    return text.startswith("...<") and text.endswith(" lines>...")


def _path(text: str) -> str:
    return text.replace("\\", "/")
