"""Rules for classes of models: what their constructors, buffers and `_init_weights` do that loading on meta does not bear.

From transformers 4.51 on (5.0 for remote code) from_pretrained builds every model under a meta device, calls `_init_weights` for what
the checkpoint lacks, and lets only `post_init` prepare a class; what each rule rests on is said by the advisories that use its word.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from doctor.facts.program import Sureness
from doctor.hazards.values import Class, Function, Library, Noted, Value, less_sure

_HEADS = re.compile(r"PreTrainedModel$|PretrainedModel$")
_RELEASED = re.compile(r"^transformers\.(?:models\.[\w.]{1,80}\.)?(?!\w{0,60}PreTrainedModel$)[A-Z]\w{1,60}(?:Model|For[A-Z]\w{1,60})$")
_PREPARES_NOTHING = re.compile(r"PreTrainedModel$|PretrainedModel$|Mixin$|nn\.Module$|ABC$|Generic$")
"""Bases whose constructors do not end with post_init."""
_OF_ANOTHER_PACKAGE = re.compile(r"^\.\.(?!.{0,200}\.PreTrainedModel$)")
"""A base that is imported from beyond the folder of the file: what it does is not seen, and in transformers' own sources it is another model."""
_NAMED_AS_MODEL = re.compile(r"(?:Model|Head|LM|For[A-Z]\w{1,60})$")
_CREATORS = {
    "arange", "ones", "zeros", "full", "tensor", "rand", "randn", "empty", "eye", "logspace", "as_tensor", "ones_like", "zeros_like",
    "full_like", "stack", "cat", "cumsum", "outer", "pow", "exp", "log", "sqrt", "sin", "cos", "meshgrid", "max", "min", "sum", "prod",
    "flip", "range", "abs", "floor",
}  # fmt: skip
_READERS = ("item", "tolist", "numpy")
_CASTS = ("float", "int", "bool")
_CHILDS_WEIGHT = re.compile(r"self\.\w{1,60}\.[\w.]{0,60}(?:weight|bias)\b")
_CAPITALISED = re.compile(r"\b_?[A-Z]\w{0,99}")
_NORMS = re.compile(r"(?:RMS|Layer|Group|Batch)_?Norm")
_NOT_DRAWN = ("LSTM", "GRU", "RNN", "LSTMCell", "GRUCell", "RNNCell", "PReLU", "Bilinear", "EmbeddingBag")
"""Layers of torch that the base class's own `_init_weights` passes over."""
_NO_MODEL = re.compile(r"Tokenizer|Processor|Config|Extractor|Scheduler")
_IN_PLACE = re.compile(r"^(?:normal|uniform|fill|zero|copy|trunc_normal|random|exponential|mul|div|add|clamp)_$")


def class_subjects(classes: Sequence[Class], made: Collection[str] = ()) -> Iterator[Noted]:
    """What each class does that from_pretrained loads, or that is a part of one; and those named in `made`, which are loaded or built otherwise."""
    heads = [each for each in classes if is_loaded(each)]
    others = [each for each in classes if each.node.name in made and each not in heads]
    if not heads and not others:
        return
    inside = _inside(heads, classes)
    initialised = _initialised(classes)
    followed = all(path.endswith(".PreTrainedModel") for each in heads for path in each.ancestry() if _HEADS.search(path))
    for each in _parts_of(heads, classes):
        subject = Noted("class", each.node.name)
        subject.note("own-model", each.piece.place(each.node))
        if any(_RELEASED.match(path) for path in each.ancestry()):
            subject.note("released-base", each.piece.place(each.node))
        prepared = _must_be_prepared(each, inside) if each in heads else None
        yield _with_rules(subject, _Rules(each, initialised, followed, prepared))
    for each in others:
        yield _with_rules(Noted("class", each.node.name), _Rules(each, initialised, followed, None))


def _with_rules(subject: Noted, rules: _Rules) -> Noted:
    for word, node, sure in rules.found():
        subject.note(word, rules.of.piece.place(node, sure))
    return subject


def is_loaded(each: Class) -> bool:
    """Whether from_pretrained of transformers loads it: it descends from PreTrainedModel or a released model, and has no loader of its own."""
    if not any(_HEADS.search(path) or _RELEASED.match(path) for path in each.ancestry()):
        return False
    loader = each.method("from_pretrained")
    return loader is None or any("super" in line for line in _lines(loader))


def _inside(heads: Sequence[Class], classes: Sequence[Class]) -> frozenset[str]:
    """Names of the classes that a constructor of the file builds."""
    names = {each.node.name for each in heads}
    return frozenset(
        name
        for each in classes
        if "__init__" in each.methods
        for name in names.intersection(_CAPITALISED.findall("\n".join(_lines(each.methods["__init__"])[1:])))
    )


def _must_be_prepared(each: Class, inside: frozenset[str]) -> Sureness | None:
    """How sure it is that a class is loaded by itself, and so needs post_init(); None: it is not.

    What a constructor builds, and is not named as a model, is a layer; what cannot be made from a configuration alone is most often built by
    hand, and so may be what is defined inside of a function.
    """
    name = each.node.name
    if name.endswith(("PreTrainedModel", "PretrainedModel")) or (name in inside and not _NAMED_AS_MODEL.search(name)):
        return None
    if any("all_tied_weights_keys" in line for line in _lines(each)):
        return None
    constructor = each.methods.get("__init__")
    if constructor is not None and _required(constructor.node.args) > 1:
        return "possible"
    return "likely" if name in inside or each.node.col_offset else "certain"


def _required(parameters: ast.arguments) -> int:
    """How many arguments a constructor needs."""
    positional = len(parameters.posonlyargs) + len(parameters.args) - len(parameters.defaults) - 1
    return positional + sum(each is None for each in parameters.kw_defaults)


def _parts_of(heads: Sequence[Class], classes: Sequence[Class]) -> list[Class]:
    """The classes loaded, and those of the same file that they are built of."""
    by_name = {each.node.name: each for each in classes}
    found: dict[str, Class] = {each.node.name: each for each in heads}
    todo = list(heads)
    while todo:
        for name in _capitalised(todo.pop()):
            if name in by_name and name not in found:
                found[name] = by_name[name]
                todo.append(by_name[name])
    return [each for each in found.values() if is_loaded(each) or _is_torch_module(each)]


def _lines(of: Class | Function) -> Sequence[str]:
    """The text of a class or function, which is faster searched than its tree."""
    return of.piece.lines[of.node.lineno - 1 : of.node.end_lineno]


def _capitalised(each: Class) -> Iterable[str]:
    """The capitalised words of a class's code, each once and in order: classes that it may be built of."""
    return dict.fromkeys(_CAPITALISED.findall("\n".join(_lines(each))))


def _is_torch_module(each: Class) -> bool:
    return any(re.match(r"torch\.nn\.|nn\.", path) for path in each.ancestry())


def _initialised(classes: Sequence[Class]) -> frozenset[str]:
    """Names of attributes that some `_init_weights` of the file touches."""
    return frozenset(
        node.attr if isinstance(node, ast.Attribute) else str(node.value)
        for each in classes
        for name, method in each.methods.items()
        if name in ("_init_weights", "reset_parameters", "_initialize_weights", "init_weights")
        for node in ast.walk(method.node)
        if isinstance(node, ast.Attribute) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
    )


Found = tuple[str, ast.AST, Sureness]


class _Rules:
    """The rules, for one class."""

    def __init__(self, of: Class, initialised: frozenset[str], followed: bool, prepared: Sureness | None) -> None:
        self.of, self.initialised = of, initialised
        self.prepared = prepared
        """How sure it is that it needs post_init(); None: it does not."""
        self.base: Sureness = "certain" if followed else "possible"
        """How sure it is that no `_init_weights` elsewhere sees to it."""
        self.tensors: dict[str, str] = {}
        """Names (`x`, `self.x`) of what is a `parameter`, a `linspace` or a `tensor`."""
        self.modules: set[str] = set()
        """Attributes that hold what a call made."""

    def found(self) -> Iterator[Found]:
        constructor = self.of.methods.get("__init__")
        if constructor is not None:
            yield from self._constructor(constructor.node)
        if "_init_weights" in self.of.methods:
            yield from _writes_in_place(self.of.methods["_init_weights"].node)
            yield from _draws_orthogonal(self.of.methods["_init_weights"].node)
        if self.prepared is not None:
            yield from self._ties()
            renames = self.of.attribute("_checkpoint_conversion_mapping")
            if isinstance(renames, ast.Dict) and renames.keys:
                yield "own-conversion-mapping", renames, "certain"
            for name, (word, count) in _CALLED_WITH.items():
                own = self.of.methods.get(name)
                if own is not None:
                    takes = _takes(own.node.args, count)
                    if not takes or _keeps_from_its_base(name, own.node):
                        yield word if not takes else "silenced-hook", own.node, "certain"
        forward = self.of.methods.get("forward")
        if forward is not None and any(_CHILDS_WEIGHT.search(line) for line in _lines(forward)):
            yield from _reads_of_children(forward.node)

    def _ties(self) -> Iterator[Found]:
        """How a class that is loaded says what is tied: transformers 5 asks for other words than those before."""
        keys = self.of.attribute("_tied_weights_keys")
        if isinstance(keys, (ast.List, ast.Tuple, ast.Set)):
            yield "tied-keys-list", keys, "certain"
        own = self.of.methods.get("tie_weights")
        if own is not None and not _takes_keywords(own.node.args) and not isinstance(own.node.body, ast.expr) and not _refuses(own.node.body):
            yield "own-tie-weights", own.node, "certain"
        names_head = self.of.methods.get("get_output_embeddings")
        if (
            names_head is not None
            and keys is None
            and self._inherits_nothing()
            and self.of.method("tie_weights") is None
            and _gives_a_module(names_head)
        ):
            yield "ties-by-accessor", names_head.node, "certain"

    def _inherits_nothing(self) -> bool:
        """Whether no base that is not seen can say what is tied."""
        return all(_HEADS.search(path) and not _OF_ANOTHER_PACKAGE.match(path) for path in self.of.ancestry() if "Mixin" not in path)

    def _says_no_ties(self) -> bool:
        """Whether nothing but its constructor ties: the loader is told of none."""
        named = self.of.attribute("_tied_weights_keys") is not None or self.of.method("tie_weights") is not None
        return self.prepared is not None and not named and self._inherits_nothing()

    def _constructor(self, node: ast.AST) -> Iterator[Found]:
        for statement in getattr(node, "body", []):
            yield from self._at_once_or_not(statement)
        if self.prepared is not None and self._lacks_post_init(node):
            yield "no-post-init", node, self.prepared

    def _at_once_or_not(self, node: ast.AST) -> Iterator[Found]:
        """What a statement does; where a condition decides on it, that is less sure."""
        conditional = isinstance(node, (ast.If, ast.Try))
        for word, where, sure in self._statement(node):
            yield word, where, less_sure(sure, "likely") if conditional and not _is_test(where, node) else sure

    def _statement(self, node: ast.AST) -> Iterator[Found]:
        """What a statement does, in order; what is under torch.device("cpu") is no hazard."""
        if isinstance(node, ast.With) and any(re.search(r"device\(\W?.?cpu", ast.unparse(item.context_expr)) for item in node.items):
            return
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            return
        if isinstance(node, ast.Assign):
            yield from self._assigned(node)
        if isinstance(node, (ast.If, ast.While)) and (kind := self._kind(node.test)) is not None:
            yield _READ[kind], node.test, "certain"
        if isinstance(node, (ast.ListComp, ast.GeneratorExp, ast.SetComp, ast.DictComp, ast.For)):
            for each in node.generators if not isinstance(node, ast.For) else [node]:
                if isinstance(each.target, ast.Name) and (kind := self._kind(each.iter)) is not None:
                    self.tensors[each.target.id] = kind
        if isinstance(node, ast.Call):
            yield from self._called(node)
        for child in ast.iter_child_nodes(node):
            yield from self._statement(child)

    def _assigned(self, node: ast.Assign) -> Iterator[Found]:
        kind = self._kind(node.value)
        for target in node.targets:
            name = _dotted(target)
            if name is None:
                continue
            if kind is not None:
                self.tensors[name] = kind
            else:
                self.tensors.pop(name, None)
            attribute = name.removeprefix("self.")
            if name.startswith("self.") and attribute.count(".") == 0 and isinstance(node.value, ast.Call) and _is_buffer(node.value):
                yield from self._noted_buffer(node.value, attribute, *_options(node.value, "data", "persistent"))
            if kind == "parameter" and name.startswith("self.") and "." not in attribute and not self._is_set(attribute):
                yield "new-parameter", node, self.base
            value = _dotted(node.value)
            if value is not None and name.startswith("self.") and value.startswith("self."):
                if name.endswith(".weight") and value.endswith(".weight"):
                    yield "ties-in-init", node, "certain"
                    if self._says_no_ties():
                        yield "ties-in-init-alone", node, "certain"
                elif attribute.count(".") == 0 and value.count(".") == 1 and value in self.modules:
                    yield "shared-layer", node, "likely"
            if name.endswith(".requires_grad") and isinstance(node.value, ast.Constant) and node.value.value is False:
                yield "frozen-in-init", node, "certain"
            if name.startswith("self.") and isinstance(node.value, ast.Call):
                self.modules.add(name)

    def _called(self, node: ast.Call) -> Iterator[Found]:
        name = _dotted(node.func) or ""
        last = node.func.attr if isinstance(node.func, ast.Attribute) else name
        if isinstance(node.func, ast.Attribute):
            kind = self._kind(node.func.value)
            if last in _READERS and kind is not None:
                yield _READ[kind], node, "certain"
            if last in ("to", "cuda") and _is_part(node.func.value) and not _is_cast(node):
                yield "moves-part-in-init", node, "certain"
            if last == "from_pretrained" and not _NO_MODEL.search(name):
                yield "loads-model-in-init", node, "certain"
            if last == "load_state_dict" and name.startswith("self."):
                yield "loads-state-dict-in-init", node, "certain"
            if last == "requires_grad_" and node.args and isinstance(node.args[0], ast.Constant) and node.args[0].value is False:
                yield "frozen-in-init", node, "certain"
            if last == "register_buffer":
                yield from self._buffer(node)
            if last == "get_default_device":
                yield "default-device", node, "certain"
            if last == "MultiheadAttention":
                yield "reads-child-weight", node, "certain"
        yield from self._layer(name, node)
        if last in _CASTS and len(node.args) == 1 and (kind := self._kind(node.args[0])) is not None:
            yield _READ[kind], node, "certain"
        if last in ("SentenceTransformer", "CrossEncoder") or name == "whisper.load_model":
            yield "loads-model-in-init", node, "certain"
        if last == "Parameter" and any(each.arg == "requires_grad" and _is_false(each.value) for each in node.keywords):
            yield "frozen-in-init", node, "certain"

    def _layer(self, path: str, node: ast.Call) -> Iterator[Found]:
        name = path.rsplit(".", 1)[-1]
        if path.startswith(("nn.", "torch.nn.")) and name not in self.initialised and (name in _NOT_DRAWN or _is_affine_norm(name, node)):
            yield "layer-not-drawn", node, self.base

    def _buffer(self, node: ast.Call) -> Iterator[Found]:
        given, value, persistent = _options(node, "name", "tensor", "persistent")
        yield from self._noted_buffer(node, given.value if isinstance(given, ast.Constant) else None, value, persistent)

    def _noted_buffer(self, node: ast.Call, name: object, value: ast.expr | None, persistent: ast.expr | None) -> Iterator[Found]:
        if isinstance(value, ast.Constant) and value.value is None:
            return
        if persistent is None or not _is_false(persistent):
            yield "buffer", node, "certain"
        elif name not in self.initialised and not self._is_rebuilt(str(name)):
            yield "nonpersistent-buffer", node, less_sure(self.base, "certain" if isinstance(name, str) else "likely")

    def _is_rebuilt(self, name: str) -> bool:
        """Whether the loader of transformers 5 rebuilds it itself: the frequencies of what looks like its own rotary embeddings."""
        return "RotaryEmbedding" in self.of.node.name and name.endswith("inv_freq") and "original_inv_freq" in ast.unparse(self.of.node)

    def _is_set(self, attribute: str) -> bool:
        """Whether `_init_weights`, or the loader's own for norms, sets a parameter."""
        return attribute in self.initialised or (attribute in ("weight", "bias") and _NORMS.search(self.of.node.name) is not None)

    def _lacks_post_init(self, node: ast.AST) -> bool:
        return not _calls_post_init(node) and not any(map(_may_prepare, self.of.bases))

    def _kind(self, node: ast.expr) -> str | None:
        """Whether an expression is a tensor that the constructor makes, and of which kind."""
        if isinstance(node, (ast.Name, ast.Attribute)):
            return self.tensors.get(_dotted(node) or "")
        if isinstance(node, ast.Call):
            name = _dotted(node.func) or ""
            if any(each.arg == "device" and re.search(r"cpu", ast.unparse(each.value)) for each in node.keywords):
                return None
            if name.endswith("nn.Parameter") or name == "Parameter":
                return "parameter"
            if name == "torch.linspace":
                return "linspace"
            if name.startswith("torch.") and name.count(".") == 1 and name[6:] in _CREATORS:
                return "tensor"
            if isinstance(node.func, ast.Attribute) and node.func.attr not in (*_READERS, "size", "dim", "numel", "shape", "get_device", "cpu"):
                return self._kind(node.func.value)
            return None
        if isinstance(node, ast.BinOp):
            return self._kind(node.left) or self._kind(node.right)
        if isinstance(node, (ast.UnaryOp, ast.Subscript)):
            return self._kind(node.operand if isinstance(node, ast.UnaryOp) else node.value)
        if isinstance(node, ast.Compare) and not any(isinstance(each, (ast.Is, ast.IsNot, ast.In, ast.NotIn)) for each in node.ops):
            return self._kind(node.left) or next((kind for each in node.comparators if (kind := self._kind(each))), None)
        return None


_READ = {"parameter": "reads-parameter-in-init", "linspace": "reads-linspace-in-init", "tensor": "reads-tensor-in-init"}


_CALLED_WITH = {"get_init_context": ("own-init-context", 4), "_initialize_missing_keys": ("own-missing-keys", 1)}
"""Methods that the loader calls, and with how many arguments beside the class or model: those of transformers 5.3 and later."""


def _takes(parameters: ast.arguments, count: int) -> bool:
    """Whether a method may be called with so many positional arguments."""
    most = len(parameters.posonlyargs) + len(parameters.args) - 1
    return most - len(parameters.defaults) <= count and (count <= most or parameters.vararg is not None)


def _keeps_from_its_base(name: str, function: ast.AST) -> bool:
    """Whether a method does not call the one of the same name that it overrides."""
    called = (each.func for each in ast.walk(function) if isinstance(each, ast.Call))
    return not any(isinstance(each, ast.Attribute) and each.attr == name for each in called)


def _takes_keywords(parameters: ast.arguments) -> bool:
    """Whether tie_weights may be called as transformers 5 does, with `missing_keys` and `recompute_mapping`."""
    names = {each.arg for each in (*parameters.args, *parameters.kwonlyargs)}
    return parameters.kwarg is not None or {"missing_keys", "recompute_mapping"} <= names


def _refuses(body: Sequence[ast.stmt]) -> bool:
    """Whether a method does nothing but raise: in transformers' own sources that takes an inherited one away."""
    return all(isinstance(each, ast.Raise) or (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant)) for each in body)


def _gives_a_module(function: Function) -> bool:
    """Whether it returns an attribute of the model."""
    return any(isinstance(each, ast.Return) and (_dotted(each.value or each) or "").startswith("self.") for each in ast.walk(function.node))


def _is_test(node: ast.AST, statement: ast.AST) -> bool:
    """Whether a node is, or belongs to, the condition of an `if`, which is looked at either way."""
    return isinstance(statement, ast.If) and any(each is node for each in ast.walk(statement.test))


def _dotted(node: ast.AST) -> str | None:
    """`self.a.b` for such an expression; None for any other."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([node.id, *reversed(parts)])


def _is_buffer(node: ast.Call) -> bool:
    return (_dotted(node.func) or "").rsplit(".", 1)[-1] == "Buffer"


def _options(node: ast.Call, *names: str) -> list[ast.expr | None]:
    """The arguments of a call by these names, in the order of their positions; None for those that are not given."""
    named = {each.arg: each.value for each in node.keywords}
    return [node.args[position] if position < len(node.args) else named.get(name) for position, name in enumerate(names)]


def _is_part(node: ast.expr) -> bool:
    """Whether it is the model, a part of it, or what is made to be one."""
    name = _dotted(node)
    if name is not None:
        return name.partition(".")[0] == "self"
    made = _dotted(node.func) if isinstance(node, ast.Call) else None
    return made is not None and (made.rsplit(".", 1)[-1][:1].isupper() or made.endswith("from_pretrained"))


def _is_cast(node: ast.Call) -> bool:
    """Whether `.to(...)` only changes a dtype."""
    if not node.args and node.keywords and all(each.arg in ("dtype", "memory_format") for each in node.keywords):
        return True
    return bool(node.args) and re.search(r"dtype|torch\.b?float|torch\.half|torch\.int", ast.unparse(node.args[0])) is not None


def _is_affine_norm(name: str, node: ast.Call) -> bool:
    return name.startswith("InstanceNorm") and any(each.arg == "affine" and not _is_false(each.value) for each in node.keywords)


def _draws_orthogonal(function: ast.AST) -> Iterator[Found]:
    for each in ast.walk(function):
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and each.func.attr == "orthogonal_":
            yield "orthogonal-init", each, "certain"


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def _calls_post_init(node: ast.AST) -> bool:
    return any(isinstance(each, ast.Attribute) and each.attr == "post_init" for each in ast.walk(node))


def _prepares(of: Class) -> bool:
    """Whether the constructor of a class, or one it inherits, ends with post_init."""
    constructor = of.methods.get("__init__")
    if constructor is not None and _calls_post_init(constructor.node):
        return True
    return any(map(_may_prepare, of.bases))


def _may_prepare(base: Value) -> bool:
    """Whether a base class may end its constructor with post_init."""
    if isinstance(base, Class):
        return _prepares(base)
    return not (isinstance(base, Library) and _PREPARES_NOTHING.search(base.path) and not _OF_ANOTHER_PACKAGE.match(base.path))


def _writes_in_place(node: ast.AST) -> Iterator[Found]:
    """`module.weight.data.normal_()` goes past the loader's guard, which torch.nn.init's functions are under."""
    for each in ast.walk(node):
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and _IN_PLACE.match(each.func.attr):
            owner = _dotted(each.func.value) or ast.unparse(each.func.value)
            if ".data" in owner or re.search(r"\.(?:weight|bias)(?:$|\[)", owner):
                yield "init-weights-in-place", each, "certain"


def _reads_of_children(node: ast.AST) -> Iterator[Found]:
    """`F.linear(x, self.head.weight)`: the hook that loads an offloaded child is never called."""
    for each in ast.walk(node):
        if isinstance(each, ast.Call):
            for argument in each.args:
                name = _dotted(argument) or ""
                if name.startswith("self.") and name.count(".") >= 2 and name.endswith((".weight", ".bias")):
                    yield "reads-child-weight", argument, "likely"
