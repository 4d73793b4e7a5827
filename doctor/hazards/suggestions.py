"""Changes to a program that are mechanical, as a diff: shown, never made.

Each suggestion belongs to a use, by its word: a move after a device_map is dropped, a load in threads is put under a lock, a device
that a pipeline would refuse is left out, torch.linspace is told to stay on the CPU, and a buffer that no checkpoint holds is computed
again in `_init_weights`. Where the code does not fit the pattern nothing is suggested.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from doctor.facts.program import Place


@dataclass(frozen=True)
class _Edit:
    """Characters of the text to be replaced."""

    start: int
    end: int
    text: str


def suggested_diff(source: str, file: str, places: Sequence[Place]) -> str:
    """A unified diff that does what is suggested at these places of a Python file; empty where nothing is."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    code = _Code(source, tree)
    edits: list[_Edit] = []
    for place in places:
        suggest = _SUGGESTIONS.get(place.use)
        if suggest is not None:
            found = list(suggest(code, place))
            if not any(_overlap(one, other) for one in found for other in edits):
                edits += [each for each in found if each not in edits]
    changed = source
    for edit in sorted(edits, key=lambda each: each.start, reverse=True):
        changed = changed[: edit.start] + edit.text + changed[edit.end :]
    lines = difflib.unified_diff(source.splitlines(), changed.splitlines(), f"a/{file}", f"b/{file}", lineterm="")
    return "".join(f"{line}\n" for line in lines)


def _overlap(one: _Edit, other: _Edit) -> bool:
    return one != other and one.start < other.end and other.start < one.end


class _Code:
    """A file's text and tree, and where in the text a node stands."""

    def __init__(self, source: str, tree: ast.Module) -> None:
        self.source, self.tree = source, tree
        self._lines = source.splitlines(keepends=True)
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))

    def offset(self, line: int, column: int) -> int:
        """Of a place that ast tells, whose columns count bytes."""
        return self._starts[line - 1] + len(self._lines[line - 1].encode()[:column].decode("utf-8", "ignore"))

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """Where a node begins and ends."""
        return self.offset(node.lineno, node.col_offset), self.offset(node.end_lineno or node.lineno, node.end_col_offset or 0)

    def line_start(self, line: int) -> int:
        """Where a line begins; that after the last one is the end."""
        return self._starts[min(line - 1, len(self._lines))]

    def indent(self, node: ast.stmt) -> str:
        """What stands before a statement."""
        return re.match(r"[ \t]*", self._lines[node.lineno - 1])[0]  # type: ignore[index]

    def call_at(self, place: Place, *names: str) -> ast.Call | None:
        """The call that begins at a place, of a function of one of these names (none: any); the outermost of several."""
        found = (node for node in ast.walk(self.tree) if isinstance(node, ast.Call) and node.lineno == place.line)
        there = (node for node in found if self.offset(node.lineno, node.col_offset) - self.line_start(place.line) == place.column - 1)
        return next((node for node in there if not names or _last_name(node.func) in names), None)

    def statement_of(self, wanted: ast.AST) -> tuple[ast.stmt, list[ast.stmt]] | None:
        """The innermost statement that holds a node, and the block it stands in."""
        found: tuple[ast.stmt, list[ast.stmt]] | None = None
        for node in ast.walk(self.tree):
            for name in ("body", "orelse", "finalbody"):
                block = getattr(node, name, None)
                for statement in block if isinstance(block, list) else ():
                    if isinstance(statement, ast.stmt) and any(each is wanted for each in ast.walk(statement)):
                        found = statement, list(block)  # type: ignore[arg-type]
        return found


def _drop_move(code: _Code, place: Place) -> Iterator[_Edit]:
    """`model.to(device)` as a statement of its own goes; of `model = load().to(device)` only the move."""
    call = code.call_at(place, "to", "cuda", "cpu")
    held = code.statement_of(call) if call is not None else None
    if call is None or held is None or not isinstance(call.func, ast.Attribute):
        return
    statement, block = held
    if isinstance(statement, ast.Expr) and statement.value is call and isinstance(call.func.value, (ast.Name, ast.Attribute)):
        if len(block) == 1:
            yield _Edit(*code.span(statement), "pass")
        else:
            yield _Edit(code.line_start(statement.lineno), code.line_start((statement.end_lineno or statement.lineno) + 1), "")
    else:
        yield _Edit(code.span(call.func.value)[1], code.span(call)[1], "")


def _drop_device(code: _Code, place: Place) -> Iterator[_Edit]:
    call = code.call_at(place)
    keyword = next((each for each in call.keywords if each.arg == "device"), None) if call is not None else None
    if keyword is not None:
        start, end = code.offset(keyword.lineno, keyword.col_offset), code.span(keyword.value)[1]
        before = re.search(r",\s*$", code.source[:start])
        yield _Edit(before.start() if before is not None else start, end, "")


def _linspace_on_cpu(code: _Code, place: Place) -> Iterator[_Edit]:
    for node in ast.walk(code.tree):
        if isinstance(node, ast.Call) and node.lineno <= place.line <= (node.end_lineno or 0) and ast.unparse(node.func) == "torch.linspace":
            end = code.span(node)[1] - 1
            yield _Edit(end, end, ', device="cpu"')


_LOCK = "model_loading"


def _under_lock(code: _Code, place: Place) -> Iterator[_Edit]:
    call = code.call_at(place)
    held = code.statement_of(call) if call is not None else None
    if held is None or re.search(rf"\b{_LOCK}\b", code.source):
        return
    statement, _ = held
    first, last = statement.lineno, statement.end_lineno or statement.lineno
    start, end = code.line_start(first), code.line_start(last + 1)
    block = "".join(f"    {line}" if line.strip() else line for line in code.source[start:end].splitlines(keepends=True))
    imports = [node for node in code.tree.body if isinstance(node, (ast.Import, ast.ImportFrom)) and node.lineno < first]
    if not imports:
        return
    after = code.line_start((imports[-1].end_lineno or imports[-1].lineno) + 1)
    imported = any(alias.name == "threading" for node in imports if isinstance(node, ast.Import) for alias in node.names)
    yield _Edit(after, after, f"{'' if imported else 'import threading' + chr(10)}\n{_LOCK} = threading.Lock()\n")
    yield _Edit(start, end, f"{code.indent(statement)}with {_LOCK}:\n{block}")


def _rebuild_buffer(code: _Code, place: Place) -> Iterator[_Edit]:
    """`_init_weights` of the model computes the buffer again; only where its value needs nothing but the module itself."""
    call = code.call_at(place)
    name = call.args[0].value if call is not None and len(call.args) > 1 and isinstance(call.args[0], ast.Constant) else None
    if call is None or not isinstance(name, str):
        return
    owner = next((node for node in ast.walk(code.tree) if isinstance(node, ast.ClassDef) and any(each is call for each in ast.walk(node))), None)
    model = next((node for node in code.tree.body if isinstance(node, ast.ClassDef) and "PreTrainedModel" in map(_last_name, node.bases)), None)
    constructor = next((node for node in owner.body if isinstance(node, ast.FunctionDef) and node.name == "__init__"), None) if owner else None
    if owner is None or model is None or constructor is None:
        return
    local = {node.id for node in ast.walk(constructor) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    local |= {each.arg for each in constructor.args.args} - {"self"}
    if local & {node.id for node in ast.walk(call.args[1]) if isinstance(node, ast.Name)}:
        return
    start, end = code.span(call.args[1])
    value = re.sub(r"\bself\b", "module", code.source[start:end])
    body = f"        if isinstance(module, {owner.name}):\n            module.{name}.copy_({value})\n"
    method = next((node for node in model.body if isinstance(node, ast.FunctionDef) and node.name == "_init_weights"), None)
    last = (method or model).end_lineno or 0
    at = code.line_start(last + 1)
    head = "" if method is not None else "\n    def _init_weights(self, module):\n        super()._init_weights(module)\n"
    yield _Edit(at, at, head + body)


def _last_name(node: ast.expr) -> str:
    return ast.unparse(node).rsplit(".", 1)[-1]


_SUGGESTIONS: Mapping[str, Callable[[_Code, Place], Iterator[_Edit]]] = {
    "move": _drop_move,
    "pipeline-device": _drop_device,
    "in-threads": _under_lock,
    "reads-linspace-in-init": _linspace_on_cpu,
    "nonpersistent-buffer": _rebuild_buffer,
}
"""By the word of the use that a place stands for."""
