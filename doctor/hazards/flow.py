"""Follows models through a program: which are loaded, how, where, and what is done to them from then on. Runs nothing.

Statements are taken in order, both ways of a branch, functions of the program where they are called (a few deep), and once more
by themselves where nobody calls them. What cannot be followed is None, and what depends on it is less sure.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from doctor.facts.program import Place, Sureness, Unread, Variable
from doctor.hazards.code import Code, Piece
from doctor.hazards.values import (
    Bound,
    Class,
    Constant,
    Either,
    Function,
    Instance,
    Library,
    Model,
    Noted,
    Series,
    States,
    Table,
    Value,
    either,
    either_of,
    less_sure,
    options_of,
)

_MAKES_MODELS = re.compile(
    r"from_pretrained|from_single_file|from_config|init_empty_weights|init_on_device|load_checkpoint|dispatch_model|_offload|get_peft_model|environ"
    r"|pipeline\(|SentenceTransformer|CrossEncoder|[\"']meta[\"']|align_module_device|_hook_from|load_and_quantize|FullyShardedDataParallel|putenv"
)
_DEPTH = 5
"""So many calls of the program's own functions are followed one inside the other."""
_CALLS = 12
"""So often one function is followed."""
_STEPS = 400_000
"""Statements and expressions of one file that are looked at, all calls together."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What holds where a statement stands."""

    meta: Sureness | None = None
    """How sure it is that what is built here is built on meta; None: it is not."""
    meta_words: tuple[str, ...] = ()
    """By which words that is said."""
    locked: bool = False
    threads: Sureness | None = None
    """How sure it is that several threads come here at once; None: nothing says so."""
    sure: Sureness = "certain"
    """How sure it is that this is reached with these values."""
    loops: int = 0


@dataclass(slots=True)
class Call:
    """One call, its arguments followed as far as they can be."""

    node: ast.Call
    arguments: list[Value]
    keywords: dict[str, tuple[Value, Sureness]]
    open: bool
    """Whether more keywords may be given than can be seen."""

    def given(self, name: str, position: int | None = None) -> tuple[Value, Sureness] | None:
        """An argument by name or position; None when it is not given."""
        if name in self.keywords:
            return self.keywords[name]
        if position is not None and position < len(self.arguments):
            return self.arguments[position], "certain"
        return None

    def value(self, name: str, position: int | None = None) -> Value:
        """The same without how sure it is."""
        found = self.given(name, position)
        return found[0] if found is not None else None

    @property
    def named(self) -> dict[str, Value]:
        """The keywords without how sure they are."""
        return {name: value for name, (value, _) in self.keywords.items()}


@dataclass(slots=True)
class Flow:
    """The state of one walk through one file's code."""

    library: Callable[[Flow, str, Call, Sureness], Value]
    """What a call of a library does, by its dotted name."""
    method: Callable[[Flow, Value, str, Call], Value]
    """What a method does to what a library made."""
    subjects: list[Noted] = field(default_factory=list)
    variables: list[Variable] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    classes: list[Class] = field(default_factory=list)
    around: Surroundings = field(default_factory=Surroundings)
    sessions: bool = False
    """Whether every session of a web page runs the top level anew, in a thread of its own, as Streamlit does."""
    default_meta: bool = False
    """Whether `set_default_device("meta")` was the last said of it."""
    piece: Piece = field(default_factory=lambda: Piece("", (), ast.Module([], [])))
    names: dict[str, Value] = field(default_factory=dict)
    module: dict[str, Value] = field(default_factory=dict)
    assigned_states: set[str] = field(default_factory=set)
    """Names of state dicts that were given to load_state_dict(..., assign=True)."""
    functions: list[Function] = field(default_factory=list)
    taken: list[tuple[int, int]] = field(default_factory=list)
    """Which way was taken at each branch that leads here."""
    branched: int = 0
    """How many branches were met."""
    depth: int = 0
    steps: int = 0
    returned: list[Value] = field(default_factory=list)

    # What is seen

    def place(self, node: ast.AST, sure: Sureness = "certain") -> Place:
        """Where a node stands, as sure as what led there."""
        return self.piece.place(node, less_sure(sure, self.around.sure))

    def subject(self, name: str, node: ast.AST, *words: str, sure: Sureness = "certain") -> Model:
        """A model that comes to be here."""
        noted = Noted("model", name, self.taken)
        self.subjects.append(noted)
        for word in words:
            noted.note(word, self.place(node, sure))
        threads = self.around.threads or ("likely" if self.sessions and not self.depth else None)
        if threads is not None and not self.around.locked:
            noted.note("in-threads", self.place(node, threads))
        return Model(noted)

    @contextmanager
    def within(self, **changes: object) -> Iterator[None]:
        """Other surroundings for a while."""
        before, self.around = self.around, replace(self.around, **changes)  # type: ignore[arg-type]
        try:
            yield
        finally:
            self.around = before

    # Statements

    def run(self, code: Code) -> None:
        """Walk through a file: its top level, then what nobody has called."""
        self.module = self.names
        for piece in code.pieces:
            self.piece = piece
            for statement in piece.tree.body:
                try:
                    if self.statement(statement):
                        break
                except RecursionError:
                    self.unread.append(Unread(piece.file, statement.lineno + piece.offset, "nested too deeply to be followed"))
        for function in self.functions:
            if function.calls == 0 and self.is_worth_reading(function.piece, function.node):
                self.enter(function, [], {})
        for each in self.classes:
            if not self.is_worth_reading(each.piece, each.node):
                continue
            instance = self.instance_of(each)
            for name, function in each.methods.items():
                if function.calls == 0 and name != "__init__":
                    self.enter(function, [instance], {})

    def is_worth_reading(self, piece: Piece, node: ast.AST) -> bool:
        """Whether anything may come of what nobody has called: there are models already, or it says something that makes one."""
        first, last = getattr(node, "lineno", 1), getattr(node, "end_lineno", None) or 1
        return bool(self.subjects) or any(_MAKES_MODELS.search(line) for line in piece.lines[first - 1 : last])

    def block(self, statements: Sequence[ast.stmt]) -> bool:
        """Walk through statements; True when the end of them is not reached."""
        return any(self.statement(each) for each in statements)

    def statement(self, node: ast.stmt) -> bool:
        """Walk through one statement; True when what follows it is not reached."""
        self.steps += 1
        if self.steps > _STEPS:
            raise TooLong
        handler = _STATEMENTS.get(type(node))
        return handler(self, node) if handler is not None else False

    def branches(self, *bodies: Sequence[ast.stmt], exclusive: bool = True) -> bool:
        """Walk through each of several ways on from here; `exclusive`: one run takes one of them."""
        before = dict(self.names)
        open_: list[dict[str, Value]] = []
        self.branched += 1
        branch = self.branched
        for way, body in enumerate(bodies):
            self.names.clear()
            self.names.update(before)
            if exclusive:
                self.taken.append((branch, way))
            if not self.block(body):
                open_.append(dict(self.names))
            if exclusive:
                self.taken.pop()
        if not open_:
            return True
        first, *others = open_
        self.names.clear()
        self.names.update(first)
        for other in others:
            for name in other.keys() | self.names.keys():
                if name in other and name in self.names:
                    self.names[name] = either(self.names[name], other[name])
                else:
                    self.names[name] = other.get(name, self.names.get(name))
        return False

    def assign(self, target: ast.expr, value: Value) -> None:
        """Give a target its value."""
        if isinstance(target, ast.Name):
            shared = isinstance(self.names, _Local) and target.id in self.names.shared
            self.assigned_states.discard(target.id)
            (self.module if shared else self.names)[target.id] = value
        elif isinstance(target, ast.Attribute):
            for owner in options_of(self.evaluate(target.value)):
                if isinstance(owner, Instance):
                    owner.attributes[target.attr] = value
        elif isinstance(target, (ast.Tuple, ast.List)):
            items = value.items if isinstance(value, Series) else ()
            for position, each in enumerate(target.elts):
                self.assign(each, items[position] if position < len(items) else value if isinstance(value, Model) else None)
        elif isinstance(target, ast.Subscript):
            self._assign_item(target, value)
        elif isinstance(target, ast.Starred):
            self.assign(target.value, None)

    def _assign_item(self, target: ast.Subscript, value: Value) -> None:
        owner, key = self.evaluate(target.value), self.evaluate(target.slice)
        name = key.value if isinstance(key, Constant) and isinstance(key.value, str) else None
        if isinstance(owner, Library) and owner.path == "os.environ":
            self.set_variable(key, value, target)
        elif isinstance(owner, Table):
            changed = replace(owner, items={**owner.items, name: value}) if name is not None else replace(owner, whole=False)
            self.assign(target.value, changed)
        elif isinstance(owner, Either) and name is not None:
            tables = tuple(replace(each, items={**each.items, name: value}) if isinstance(each, Table) else each for each in owner.options)
            self.assign(target.value, Either(tables))

    def set_variable(self, key: Value, value: Value, node: ast.AST) -> None:
        """The program sets an environment variable."""
        if isinstance(key, Constant) and isinstance(key.value, str) and isinstance(value, Constant) and isinstance(value.value, str):
            self.variables.append(Variable(key.value, value.value, self.place(node)))

    # Calls of the program's own functions

    def enter(self, function: Function, arguments: list[Value], keywords: dict[str, Value]) -> Value:
        """Walk through a function with these arguments."""
        if self.depth >= _DEPTH or function.calls >= _CALLS:
            return function.result
        function.calls += 1
        before = self.names, self.piece, self.returned, self.assigned_states
        self.assigned_states = set()
        self.names, self.piece, self.returned = _Local(function.names if function.names is not self.module else {}), function.piece, []
        self.depth += 1
        try:
            self._bind(function.node.args, arguments, keywords)
            if isinstance(function.node, ast.Lambda):
                self.returned.append(self.evaluate(function.node.body))
            else:
                self.block(function.node.body)
        except RecursionError:
            self.unread.append(Unread(function.piece.file, getattr(function.node, "lineno", 0), "nested too deeply to be read"))
        finally:
            returned = self.returned
            self.names, self.piece, self.returned, self.assigned_states = before
            self.depth -= 1
        function.result = either_of(each for each in returned if each is not None)
        return function.result

    def _bind(self, parameters: ast.arguments, arguments: list[Value], keywords: dict[str, Value]) -> None:
        positional = [*parameters.posonlyargs, *parameters.args]
        defaults = dict(zip([each.arg for each in reversed(positional)], reversed(parameters.defaults), strict=False))
        defaults |= {each.arg: value for each, value in zip(parameters.kwonlyargs, parameters.kw_defaults, strict=True) if value is not None}
        given = dict(zip([each.arg for each in positional], arguments, strict=False)) | keywords
        for each in (*positional, *parameters.kwonlyargs):
            if each.arg in given:
                self.names[each.arg] = given[each.arg]
            else:
                # What nobody is seen to pass is most often left at its default.
                self.names[each.arg] = self.evaluate(defaults[each.arg]) if each.arg in defaults else None
        known = {each.arg for each in (*positional, *parameters.kwonlyargs)}
        if parameters.kwarg is not None:
            self.names[parameters.kwarg.arg] = Table({name: value for name, value in keywords.items() if name not in known}, whole=bool(keywords))
        if parameters.vararg is not None:
            self.names[parameters.vararg.arg] = None

    def instance_of(self, of: Class, arguments: list[Value] | None = None, keywords: dict[str, Value] | None = None) -> Instance:
        """An object of a class of the program; one is made however often it is asked for."""
        if of.instance is None:
            of.instance = Instance(of)
            constructor = of.method("__init__")
            if constructor is not None:
                self.enter(constructor, [of.instance, *(arguments or [])], keywords or {})
        return of.instance

    def in_threads(self, target: Value, arguments: list[Value], node: ast.Call, sure: Sureness) -> None:
        """A function is run in threads."""
        with self.within(threads=sure, locked=False):
            for each in options_of(target):
                self.apply(each, Call(node, arguments, {}, False))

    # Expressions

    def evaluate(self, node: ast.expr | None) -> Value:
        """What an expression may be."""
        if node is None:
            return None
        self.steps += 1
        if self.steps > _STEPS:
            raise TooLong
        handler = _EXPRESSIONS.get(type(node))
        if handler is not None:
            return handler(self, node)
        for name in node._fields:
            child = getattr(node, name, None)
            for each in child if isinstance(child, list) else (child,):
                if isinstance(each, ast.expr):
                    self.evaluate(each)
        return None

    def look_up(self, name: str) -> Value:
        """What a name stands for."""
        found = self.names.get(name, _MISSING)
        if found is _MISSING:
            found = self.module.get(name, _MISSING)
        if found is _MISSING:
            return Library(f"*.{name}", "likely") if "*" in self.module else Library(f"builtins.{name}")
        return found  # type: ignore[return-value]

    def attribute(self, owner: Value, name: str, node: ast.expr) -> Value:
        """What an attribute of a value may be."""
        if isinstance(owner, Library):
            return Library(f"{owner.path}.{name}", owner.sure)
        if isinstance(owner, Instance):
            if name in owner.attributes:
                return owner.attributes[name]
            method = owner.of.method(name)
            return Bound(owner, name) if method is not None or owner.of.ancestry() else None
        if isinstance(owner, Class):
            return Bound(owner, name)
        if isinstance(owner, Model):
            if name in ("device", "dtype") and not owner.whole:
                if name == "device":
                    owner.subject.note("read-part-device", self.place(node))
                return None
            return Bound(owner, name)
        if isinstance(owner, Bound) and isinstance(owner.of, Model):
            if name == "device":
                owner.of.subject.note("read-part-device", self.place(node))
                return None
            return Bound(Model(owner.of.subject, whole=False), name)
        if isinstance(owner, Either):
            found = [self.attribute(each, name, node) for each in owner.options if each is not None]
            return Either(tuple(found)) if found else None
        return Bound(owner, name) if isinstance(owner, (Table, States)) else None

    def call(self, node: ast.Call) -> Value:
        """What a call gives, and what it does."""
        function = self.evaluate(node.func)
        call = self._arguments(node)
        options = [each for each in options_of(function) if each is not None]
        if len(options) < 2:
            return self.apply(options[0], call) if options else None
        with self.within(sure=less_sure("likely", self.around.sure)):
            return either_of(self.apply(each, call) for each in options)

    def _arguments(self, node: ast.Call) -> Call:
        arguments: list[Value] = []
        for each in node.args:
            item = self.evaluate(each.value if isinstance(each, ast.Starred) else each)
            arguments += item.items if isinstance(each, ast.Starred) and isinstance(item, Series) else [item]
        keywords: dict[str, tuple[Value, Sureness]] = {}
        open_ = False
        for keyword in node.keywords:
            value = self.evaluate(keyword.value)
            if keyword.arg is not None:
                keywords[keyword.arg] = value, "certain"
                continue
            tables = [each for each in options_of(value) if isinstance(each, Table)]
            open_ |= not tables or not all(each.whole for each in tables)
            for name in dict.fromkeys(name for table in tables for name in table.items):
                having = [table.items[name] for table in tables if name in table.items]
                everywhere = len(having) == len(options_of(value))
                keywords.setdefault(name, (either_of(having), "certain" if everywhere else "likely"))
        return Call(node, arguments, keywords, open_)

    def apply(self, function: Value, call: Call) -> Value:
        """Call one function."""
        if isinstance(function, Library):
            return self.library(self, function.path, call, function.sure)
        if isinstance(function, Function):
            return self.enter(function, call.arguments, call.named)
        if isinstance(function, Class):
            if self.around.meta is not None and is_module(function):
                return self._built(function, call)
            return self.instance_of(function, call.arguments, call.named)
        if isinstance(function, Model):
            return self.method(self, function, "__call__", call)
        if isinstance(function, Bound):
            owner = function.of
            if isinstance(owner, (Instance, Class)):
                method = (owner.of if isinstance(owner, Instance) else owner).method(function.name)
                if method is not None:
                    own = [] if isinstance(owner, Class) and not _is_bound_to_class(method) else [owner]
                    return self.enter(method, [*own, *call.arguments], call.named)
            return self.method(self, owner, function.name, call)
        return None

    def _built(self, of: Class, call: Call) -> Value:
        """A model of the program's own class, built on meta."""
        return self.subject(of.node.name, call.node, *self.around.meta_words, sure=self.around.meta or "certain")


class TooLong(Exception):
    """A file takes more steps than are taken."""


class _Local(dict[str, Value]):
    """The names of a function; those that it calls global are its module's."""

    shared: frozenset[str] = frozenset()


_MISSING = object()


def is_module(of: Class) -> bool:
    """Whether a class of the program is a torch module."""
    return any(path.rsplit(".", 1)[-1].endswith(("Module", "PreTrainedModel", "Model", "LightningModule")) for path in of.ancestry())


def _is_bound_to_class(function: Function) -> bool:
    decorators = getattr(function.node, "decorator_list", [])
    return any(isinstance(each, ast.Name) and each.id == "classmethod" for each in decorators)


# Statements


def _assign(flow: Flow, node: ast.Assign) -> bool:
    value = flow.evaluate(node.value)
    for target in node.targets:
        flow.assign(target, value)
    return False


def _annotated(flow: Flow, node: ast.AnnAssign) -> bool:
    if node.value is not None:
        flow.assign(node.target, flow.evaluate(node.value))
    return False


def _augmented(flow: Flow, node: ast.AugAssign) -> bool:
    before, added = flow.evaluate(node.target), flow.evaluate(node.value)
    if isinstance(before, Table) and isinstance(added, Table):
        flow.assign(node.target, Table(before.items | added.items, before.whole and added.whole))
    elif not isinstance(before, Model):
        flow.assign(node.target, None)
    return False


def _expression(flow: Flow, node: ast.Expr) -> bool:
    flow.evaluate(node.value)
    return False


def _if(flow: Flow, node: ast.If) -> bool:
    flow.evaluate(node.test)
    if _is_type_checking(node.test):
        flow.block(node.body)
        return False
    return flow.branches(node.body, node.orelse)


def _is_type_checking(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"
    )


def _loop(flow: Flow, node: ast.For | ast.AsyncFor | ast.While) -> bool:
    if isinstance(node, ast.While):
        flow.evaluate(node.test)
    else:
        over = flow.evaluate(node.iter)
        flow.assign(node.target, over.items[0] if isinstance(over, Series) and over.items else None)
    with flow.within(loops=flow.around.loops + 1):
        flow.branches(node.body, [], exclusive=False)
    flow.block(node.orelse)
    return False


def _with(flow: Flow, node: ast.With | ast.AsyncWith) -> bool:
    changes: dict[str, object] = {}
    for item in node.items:
        value = flow.evaluate(item.context_expr)
        changes |= _context(value, item.context_expr)
        if item.optional_vars is not None:
            flow.assign(item.optional_vars, value)
    with flow.within(**changes):
        return flow.block(node.body)


def _context(value: Value, node: ast.expr) -> dict[str, object]:
    """What being inside of a context manager changes."""
    options = options_of(value)
    for each in options:
        if isinstance(each, Constant) and isinstance(each.value, MetaContext):
            # What chooses between two contexts mostly chooses again, further down, what is done with the model.
            return {"meta": each.value.sure if len(options) == 1 else "possible", "meta_words": ("build-on-meta", *each.value.words)}
    name = (value.path if isinstance(value, Library) else "") + (ast.unparse(node) if isinstance(node, (ast.Name, ast.Attribute)) else "")
    return {"locked": True} if re.search(r"lock|mutex|semaphore", name, re.IGNORECASE) else {}


@dataclass(frozen=True, slots=True)
class MetaContext:
    """A context manager under which modules are built on meta."""

    words: tuple[str, ...] = ()
    """What more is said of what is built under it."""
    sure: Sureness = "certain"


def _try(flow: Flow, node: ast.Try) -> bool:
    ended = flow.branches([*node.body, *node.orelse], *(each.body for each in node.handlers), exclusive=False)
    return flow.block(node.finalbody) or ended


def _function(flow: Flow, node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    names = flow.names if flow.names is flow.module else dict(flow.names)
    function = Function(node, flow.piece, names)
    flow.names[node.name] = function
    flow.functions.append(function)
    for decorator in node.decorator_list:
        flow.evaluate(decorator)
        threads = serves_in_threads(flow, decorator, node)
        if threads is not None:
            with flow.within(threads=threads):
                flow.enter(function, [], {})
    return False


def serves_in_threads(flow: Flow, decorator: ast.expr, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Sureness | None:
    """How sure it is that a decorator lets several threads run the function: a route of a web framework that is no coroutine."""
    if not isinstance(decorator, ast.Call) or not isinstance(decorator.func, ast.Attribute) or isinstance(node, ast.AsyncFunctionDef):
        return None
    if decorator.func.attr not in ("get", "post", "put", "patch", "delete", "route", "api_route"):
        return None
    owner = flow.evaluate(decorator.func.value)
    path = owner.of if isinstance(owner, Bound) else owner
    return "likely" if isinstance(path, Constant) and path.value == "application" else None


def _class(flow: Flow, node: ast.ClassDef) -> bool:
    own = Class(node, flow.piece, tuple(flow.evaluate(each) for each in node.bases))
    flow.names[node.name] = own
    flow.classes.append(own)
    names = dict(flow.names) if flow.names is not flow.module else flow.module
    for statement in node.body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            own.methods[statement.name] = Function(statement, flow.piece, names, own)
    return False


def _return(flow: Flow, node: ast.Return) -> bool:
    flow.returned.append(flow.evaluate(node.value))
    return True


def _ends(flow: Flow, node: ast.stmt) -> bool:
    if isinstance(node, ast.Raise):
        flow.evaluate(node.exc)
    return True


def _import(flow: Flow, node: ast.Import) -> bool:
    flow.sessions |= any(each.name == "streamlit" for each in node.names)
    for each in node.names:
        if each.asname:
            flow.names[each.asname] = Library(each.name)
        else:
            top = each.name.partition(".")[0]
            flow.names[top] = Library(top)
    return False


def _import_from(flow: Flow, node: ast.ImportFrom) -> bool:
    module = ("." * node.level) + (node.module or "")
    for each in node.names:
        if each.name == "*":
            flow.module["*"] = None
        else:
            flow.names[each.asname or each.name] = Library(f"{module}.{each.name}")
    return False


def _global(flow: Flow, node: ast.Global) -> bool:
    if isinstance(flow.names, _Local):
        flow.names.shared |= frozenset(node.names)
    return False


def _match(flow: Flow, node: ast.Match) -> bool:
    flow.evaluate(node.subject)
    flow.branches(*(case.body for case in node.cases), [])
    return False


def _delete(flow: Flow, node: ast.Delete) -> bool:
    for target in node.targets:
        if isinstance(target, ast.Name):
            flow.names.pop(target.id, None)
    return False


_STATEMENTS: dict[type, Callable[..., bool]] = {
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.Expr: _expression,
    ast.If: _if,
    ast.For: _loop,
    ast.AsyncFor: _loop,
    ast.While: _loop,
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.Try: _try,
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.ClassDef: _class,
    ast.Return: _return,
    ast.Raise: _ends,
    ast.Break: _ends,
    ast.Continue: _ends,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.Global: _global,
    ast.Match: _match,
    ast.Delete: _delete,
}
if hasattr(ast, "TryStar"):
    _STATEMENTS[ast.TryStar] = _try


# Expressions


def _name(flow: Flow, node: ast.Name) -> Value:
    return flow.look_up(node.id)


def _constant(flow: Flow, node: ast.Constant) -> Value:
    return Constant(node.value)


def _attribute(flow: Flow, node: ast.Attribute) -> Value:
    return flow.attribute(flow.evaluate(node.value), node.attr, node)


def _dict(flow: Flow, node: ast.Dict) -> Value:
    items: dict[str, Value] = {}
    whole = True
    for key, value in zip(node.keys, node.values, strict=True):
        found, name = flow.evaluate(value), flow.evaluate(key) if key is not None else None
        if isinstance(name, Constant):
            items[str(name.value)] = found
        elif key is None and isinstance(found, Table):
            items |= found.items
            whole &= found.whole
        else:
            whole = False
    return Table(items, whole)


def _series(flow: Flow, node: ast.Tuple | ast.List) -> Value:
    return Series(tuple(flow.evaluate(each) for each in node.elts))


def _conditional(flow: Flow, node: ast.IfExp) -> Value:
    flow.evaluate(node.test)
    return either(flow.evaluate(node.body), flow.evaluate(node.orelse))


def _boolean(flow: Flow, node: ast.BoolOp) -> Value:
    return either_of(flow.evaluate(each) for each in node.values)


def _walrus(flow: Flow, node: ast.NamedExpr) -> Value:
    value = flow.evaluate(node.value)
    flow.assign(node.target, value)
    return value


def _awaited(flow: Flow, node: ast.Await) -> Value:
    return flow.evaluate(node.value)


def _subscript(flow: Flow, node: ast.Subscript) -> Value:
    owner, key = flow.evaluate(node.value), flow.evaluate(node.slice)
    if isinstance(owner, Table) and isinstance(key, Constant):
        return owner.items.get(str(key.value))
    if isinstance(owner, Series) and isinstance(key, Constant) and isinstance(key.value, int) and -len(owner.items) <= key.value < len(owner.items):
        return owner.items[key.value]
    return replace(owner, whole=False) if isinstance(owner, Model) else None


def _comprehension(flow: Flow, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> Value:
    for each in node.generators:
        over = flow.evaluate(each.iter)
        flow.assign(each.target, over.items[0] if isinstance(over, Series) and over.items else None)
    with flow.within(loops=flow.around.loops + 1):
        found = flow.evaluate(node.elt)
    return Series((found,)) if found is not None else None


def _lambda(flow: Flow, node: ast.Lambda) -> Value:
    return Function(node, flow.piece, flow.names if flow.names is flow.module else dict(flow.names))


_EXPRESSIONS: dict[type, Callable[..., Value]] = {
    ast.Name: _name,
    ast.Constant: _constant,
    ast.Attribute: _attribute,
    ast.Call: Flow.call,
    ast.Dict: _dict,
    ast.Tuple: _series,
    ast.List: _series,
    ast.IfExp: _conditional,
    ast.BoolOp: _boolean,
    ast.NamedExpr: _walrus,
    ast.Await: _awaited,
    ast.Subscript: _subscript,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.Lambda: _lambda,
}
