"""What calls of torch, transformers, accelerate and their neighbours do to models. One function a kind of call, found by its name."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping

from doctor.facts.program import Sureness
from doctor.hazards.flow import Call, Flow, MetaContext
from doctor.hazards.launchers import script_variables
from doctor.hazards.values import Bound, Class, Constant, Instance, Library, Model, Series, States, Table, Value, less_sure, options_of

_LOADERS = ("from_pretrained", "from_single_file")
_NO_MODELS = re.compile(r"Tokenizer|Processor|Config|Extractor|Scheduler|Args|Arguments|Criteria|Streamer|Template|AutoencoderTiny$")
_DEVICES = re.compile(r"(?:cuda|cpu|mps|xpu|hpu|npu|meta)(?::\d{1,3})?$")
_HALF = ("float16", "bfloat16", "half")
_AUTO = ("auto", "balanced", "balanced_low_0", "sequential")
_APPLICATIONS = ("FastAPI", "APIRouter", "Flask", "Blueprint", "Quart", "Starlette", "Sanic")
_SAME_MODEL = ("eval", "half", "float", "double", "bfloat16", "train", "requires_grad_", "compile", "share_memory", "to_bettertransformer")


def called(flow: Flow, path: str, call: Call, sure: Sureness) -> Value:
    """What a call of a library does, and what it gives."""
    name = path.rsplit(".", 1)[-1]
    if name in _LOADERS:
        return _loaded(flow, path, call, sure)
    handler = _CALLS.get(name)
    if handler is not None and _is_ours(path):
        return handler(flow, path, call, sure)
    if name in _APPLICATIONS:
        return Constant("application")
    if path.startswith("gradio."):
        return Library("gradio.block", sure)
    # A model that is handed to what is not known may come back, wrapped.
    models = [each for each in call.arguments[:1] if isinstance(each, Model)]
    if models and name in ("DataParallel", "DistributedDataParallel", "compile"):
        return models[0]
    if flow.around.meta is not None and _builds_module(path):
        return _built(flow, path, call)
    return None


_ROOTS = {
    "transformers", "accelerate", "torch", "diffusers", "peft", "sentence_transformers", "copy", "threading", "concurrent", "asyncio",
    "multiprocessing", "os", "subprocess", "filelock", "builtins", "*", "trl", "awq", "joblib", "dict", "unsloth", "gradio",
}  # fmt: skip


def _is_ours(path: str) -> bool:
    return path.partition(".")[0] in _ROOTS


def _is_of(path: str, *roots: str) -> bool:
    return path.partition(".")[0] in (*roots, "*")


# Loading


def _loaded(flow: Flow, path: str, call: Call, sure: Sureness) -> Value:
    """`X.from_pretrained(...)` of a library's class."""
    name = path.split(".")[-2] if path.count(".") else ""
    if not name or _NO_MODELS.search(name) or not _is_of(path, "transformers", "diffusers", "peft", "trl", "unsloth", "awq"):
        return None
    if path.startswith("diffusers."):
        return _with_options(flow, flow.subject(name, call.node, "load-diffusers", sure=sure), call, sure)
    if name in ("PeftModel", "PeftModelForCausalLM", "PeftMixedModel"):
        model = _noted(flow, "load-adapter", call, call.value("model", 0))
        for each in _models(model):
            _note_switches(flow, each, call, sure, {"low_cpu_mem_usage": "load-adapter-empty"})
        return model
    if name.startswith("AutoPeftModel"):
        return _with_options(flow, flow.subject(name, call.node, "load", "load-peft", sure=sure), call, sure)
    return transformers_load(flow, name, call, sure)


def transformers_load(flow: Flow, name: str, call: Call, sure: Sureness) -> Model:
    """A transformers model is loaded here."""
    model = flow.subject(name, call.node, "load", *(("load-automodel",) if name == "AutoModel" else ()), sure=sure)
    meta = flow.around.meta or ("likely" if flow.default_meta else None)
    if meta is not None:
        model.subject.note("in-meta-context", flow.place(call.node, less_sure(meta, sure)))
        if "build-empty" in flow.around.meta_words and "include-buffers" not in flow.around.meta_words:
            model.subject.note("in-empty-context", flow.place(call.node, less_sure(meta, sure)))
    return _with_options(flow, model, call, sure)


def _with_options(flow: Flow, model: Model, call: Call, sure: Sureness) -> Model:
    """Note what is asked for with a load."""
    _note_switches(flow, model, call, sure, _LOAD_SWITCHES)
    _note_precision(flow, model, call, sure, "torch_dtype", "dtype")
    _place_by_map(flow, model, call, call.given("device_map"), sure)
    return model


def _note_switches(flow: Flow, model: Model, call: Call, sure: Sureness, words: Mapping[str, str]) -> None:
    """Note each of these keywords that is given, and not as what is false."""
    for keyword, word in words.items():
        found = call.given(keyword)
        if found is None:
            continue
        options = options_of(found[0])
        for each in options:
            if isinstance(each, Constant) and not each.value:
                continue
            certain = isinstance(each, (Constant, Table, Library)) and len(options) == 1
            model.subject.note(word, flow.place(call.node, less_sure(sure, found[1], "certain" if certain else "likely")))


_LOAD_SWITCHES: Mapping[str, str] = {
    "low_cpu_mem_usage": "low-cpu-mem-usage",
    "ignore_mismatched_sizes": "ignore-mismatched-sizes",
    "trust_remote_code": "trust-remote-code",
    "offload_state_dict": "offload-state-dict",
    "state_dict": "state-dict-given",
}


def _place_by_map(flow: Flow, model: Model, call: Call, given: tuple[Value, Sureness] | None, sure: Sureness) -> None:
    """Note what a device_map says."""
    if given is None:
        return
    value, how_sure = given
    options = options_of(value)
    for each in options:
        certain = less_sure(sure, how_sure, "certain" if len(options) == 1 else "likely")
        for word, of_word in _map_words(each):
            model.subject.note(word, flow.place(call.node, less_sure(certain, of_word)))


def _map_words(value: Value) -> list[tuple[str, Sureness]]:
    """The words for one value of device_map."""
    if isinstance(value, Constant):
        if value.value is None:
            return []
        words: list[tuple[str, Sureness]] = [("device-map", "certain")]
        if value.value in _AUTO:
            words.append(("device-map-auto", "certain"))
        if value.value == "disk":
            words += [("device-map-disk", "certain"), ("device-map-all-disk", "certain")]
        return words
    if isinstance(value, Table):
        places = [each.value if isinstance(each, Constant) else None for each in value.items.values()]
        words = [("device-map", "certain")]
        if "disk" in places:
            words.append(("device-map-disk", "certain"))
            if set(places) == {"disk"} and value.whole:
                words.append(("device-map-all-disk", "certain"))
        if "cpu" in places and set(places) != {"cpu"}:
            words.append(("device-map-cpu", "certain"))
        return words
    if isinstance(value, Library):
        return [("device-map", "certain")]
    return [("device-map", "likely"), ("device-map-auto", "possible")]


def _pipeline(flow: Flow, path: str, call: Call, sure: Sureness) -> Value:
    """transformers.pipeline: loads a model, or takes one."""
    if not _is_of(path, "transformers"):
        return None
    given = call.given("model", 1)
    models = [each for each in options_of(given[0]) if isinstance(each, Model)] if given is not None else []
    if not models:
        _give_model_kwargs(call)
        return transformers_load(flow, _pipeline_class(call), call, sure)
    device = call.given("device")
    for model in models:
        if device is not None and not (isinstance(device[0], Constant) and device[0].value is None):
            model.subject.note("pipeline-device", flow.place(call.node, less_sure(sure, device[1])))
    return models[0]


_TASKS = {"object-detection": "AutoModelForObjectDetection", "text-generation": "AutoModelForCausalLM", "fill-mask": "AutoModelForMaskedLM"}


def _pipeline_class(call: Call) -> str:
    task = call.value("task", 0)
    return _TASKS.get(str(task.value), "pipeline") if isinstance(task, Constant) else "pipeline"


def _give_model_kwargs(call: Call) -> None:
    """What stands in model_kwargs is given to the model that is loaded."""
    options = call.value("model_kwargs")
    if isinstance(options, Table):
        call.keywords = {name: (value, "certain") for name, value in options.items.items()} | call.keywords


def _sentence_transformer(flow: Flow, path: str, call: Call, sure: Sureness) -> Value:
    if not _is_of(path, "sentence_transformers"):
        return None
    _give_model_kwargs(call)
    return _with_options(flow, flow.subject(path.rsplit(".", 1)[-1], call.node, "load", "load-sentence-transformer", sure=sure), call, sure)


# Building on meta


def _device(flow: Flow, path: str, call: Call, sure: Sureness) -> Value:
    """torch.device("meta") is a context manager, as accelerate's init_on_device is."""
    value = call.value("device", 0)
    if isinstance(value, Constant) and value.value == "meta":
        return Constant(MetaContext(("build-on-device",), sure))
    return Library("torch.device()", sure)


def _init_empty_weights(flow: Flow, path: str, call: Call, sure: Sureness) -> Value:
    include = call.value("include_buffers", 0)
    included = isinstance(include, Constant) and include.value is True
    return Constant(MetaContext(("build-empty", "include-buffers") if included else ("build-empty",), sure))


def _set_default_device(flow: Flow, path: str, call: Call, sure: Sureness) -> Value:
    value = call.value("device", 0)
    flow.default_meta = isinstance(value, Constant) and (value.value == "meta" or isinstance(value.value, MetaContext))
    return None


def _built(flow: Flow, path: str, call: Call) -> Value:
    """A library's model is built where everything is built on meta."""
    sure = flow.around.meta or "certain"
    model = flow.subject(path.rsplit(".", 1)[-1], call.node, *flow.around.meta_words, sure=sure)
    _note_precision(flow, model, call, sure, "torch_dtype", "dtype")
    return model


def _from_config(flow: Flow, path: str, call: Call, sure: Sureness) -> Value:
    if flow.around.meta is None or not _is_of(path, "transformers"):
        return None
    return _built(flow, path.rsplit(".", 1)[0], call)


def _builds_module(path: str) -> bool:
    if path.startswith("transformers."):
        return not _NO_MODELS.search(path) and re.search(r"Model$|For[A-Z]\w{1,60}$|LMHeadModel$", path) is not None
    return path.startswith(("torch.nn.", "torch.nn.modules.")) and path.rsplit(".", 1)[-1][:1].isupper()


# accelerate


def _load_checkpoint(flow: Flow, path: str, call: Call, sure: Sureness) -> Value:
    model = _given_model(flow, call, "model")
    for each in _models(model):
        each.subject.note("load-checkpoint", flow.place(call.node, sure))
        given = call.given("device_map", 2)
        # Who says which rank reads the checkpoint has a process group, and needs no map.
        if given is None and not call.open and call.given("broadcast_from_rank0") is None:
            each.subject.note("device-map-none", flow.place(call.node, sure))
        elif given is not None and given[0] == Constant(None):
            each.subject.note("device-map-none", flow.place(call.node, less_sure(sure, given[1])))
        _place_by_map(flow, each, call, given, sure)
        _note_options(flow, each, call, sure)
    return model


def _note_options(flow: Flow, model: Model, call: Call, sure: Sureness) -> None:
    _note_switches(flow, model, call, sure, _DISPATCH_SWITCHES)
    if call.given("preload_module_classes") is not None:
        model.subject.note("preload-modules", flow.place(call.node, sure))
    if call.given("offload_index") is not None and call.given("offload_dir") is None:
        model.subject.note("offload-index", flow.place(call.node, sure))
    _note_precision(flow, model, call, sure, "dtype")


_DISPATCH_SWITCHES: Mapping[str, str] = {"offload_buffers": "offload-buffers", "offload_state_dict": "offload-state-dict"}


def _note_precision(flow: Flow, model: Model, call: Call, sure: Sureness, *keywords: str) -> None:
    for value in map(call.value, keywords):
        if isinstance(value, Library) and value.path.endswith(_HALF):
            model.subject.note("half-precision", flow.place(call.node, sure))


def _does(word: str, gives_model: bool = True, names: tuple[str, ...] = ("model", "module")) -> Callable[[Flow, str, Call, Sureness], Value]:
    """A function that does something, by a word, to the model it is given."""

    def handler(flow: Flow, path: str, call: Call, sure: Sureness) -> Value:
        model = _given_model(flow, call, *names)
        for each in _models(model):
            each.subject.note(word, flow.place(call.node, sure))
            _place_by_map(flow, each, call, call.given("device_map", 1) if word == "dispatch" else None, sure)
            _note_options(flow, each, call, sure)
        return model if gives_model else None

    return handler


def _given_model(flow: Flow, call: Call, *names: str) -> Value:
    """The model that a function is given; one of which nothing is known where it could not be followed."""
    found = next((value for name in names if (value := call.value(name, 0)) is not None), None)
    return found if _models(found) else flow.subject("", call.node)


def _models(value: Value) -> list[Model]:
    found = []
    for each in options_of(value):
        if isinstance(each, Model):
            found.append(each)
        elif isinstance(each, Bound) and isinstance(each.of, Model):
            found.append(Model(each.of.subject, whole=False))
        elif isinstance(each, Series):
            found += [inner for inner in each.items if isinstance(inner, Model)]
    return found


def _noted(flow: Flow, word: str, call: Call, value: Value, sure: Sureness = "certain") -> Value:
    for each in _models(value):
        each.subject.note(word, flow.place(call.node, sure))
    return value


def _trainer(flow: Flow, path: str, call: Call, sure: Sureness) -> Value:
    if not _is_of(path, "transformers", "trl"):
        return None
    model = call.value("model", 0)
    for word in ("trainer", "train"):
        _noted(flow, word, call, model, sure)
    return None


def _accelerator(flow: Flow, path: str, call: Call, sure: Sureness) -> Value:
    return Library("accelerate.Accelerator()", sure)


def _deepcopy(flow: Flow, path: str, call: Call, sure: Sureness) -> Value:
    return _noted(flow, "deepcopy", call, call.arguments[0] if call.arguments else None, sure)


# Threads and variables


def _thread(flow: Flow, path: str, call: Call, sure: Sureness) -> Value:
    if path.startswith(("multiprocessing.Process",)):
        return None
    target, arguments = call.value("target", 1), call.value("args", 3)
    many: Sureness = "certain" if flow.around.loops else "possible"
    flow.in_threads(target, list(arguments.items) if isinstance(arguments, Series) else [], call.node, less_sure(sure, many))
    return None


def _lock(flow: Flow, path: str, call: Call, sure: Sureness) -> Value:
    return Library("threading.Lock()", sure)


def _executor(flow: Flow, path: str, call: Call, sure: Sureness) -> Value:
    workers = call.value("max_workers", 0)
    alone = isinstance(workers, Constant) and workers.value == 1
    return None if alone else Library("concurrent.futures.executor", sure)


def _gradio_event(flow: Flow, path: str, call: Call, sure: Sureness) -> Value:
    """`gr.Interface(fn=f)` and `button.click(f)`: gradio runs functions in a pool of threads, one at a time for each event."""
    if path.startswith("gradio."):
        flow.in_threads(call.value("fn", 0), [], call.node, "possible")
    return Library("gradio.block", sure)


def _submit(flow: Flow, path: str, call: Call, sure: Sureness) -> Value:
    if path.startswith("gradio."):
        return _gradio_event(flow, path, call, sure)
    if path != f"concurrent.futures.executor.{path.rsplit('.', 1)[-1]}":
        return None
    mapped = path.endswith(".map")
    arguments = [next(iter(each.items), None) if isinstance(each, Series) else None for each in call.arguments[1:]] if mapped else call.arguments[1:]
    many: Sureness = "certain" if mapped or flow.around.loops else "likely"
    if call.arguments:
        flow.in_threads(call.arguments[0], arguments, call.node, less_sure(sure, many))
    return None


def _to_thread(flow: Flow, path: str, call: Call, sure: Sureness) -> Value:
    position = 1 if path.endswith("run_in_executor") else 0
    if len(call.arguments) > position:
        many: Sureness = "certain" if flow.around.loops else "likely"
        flow.in_threads(call.arguments[position], call.arguments[position + 1 :], call.node, less_sure(sure, many))
    return None


def _loop(flow: Flow, path: str, call: Call, sure: Sureness) -> Value:
    return Library("asyncio.loop", sure)


def _command(flow: Flow, path: str, call: Call, sure: Sureness) -> Value:
    """A program that is started, and what its launcher sets for it: accelerate launch, torchrun."""
    if not path.startswith(("subprocess.", "os.")):
        return None
    given = call.value("args", 0)
    words = given.items if isinstance(given, Series) else (given,)
    text = " ".join(str(each.value) for each in words if isinstance(each, Constant))
    for variable in script_variables(text.encode("utf-8", "replace"), ""):
        flow.set_variable(Constant(variable.name), Constant(variable.value), call.node)
    return None


def _setdefault(flow: Flow, path: str, call: Call, sure: Sureness) -> Value:
    if path in ("os.environ.setdefault", "os.putenv") and len(call.arguments) == 2:
        flow.set_variable(call.arguments[0], call.arguments[1], call.node)
    elif path == "os.environ.update" and call.arguments and isinstance(call.arguments[0], Table):
        for name, value in call.arguments[0].items.items():
            flow.set_variable(Constant(name), value, call.node)
    return None


def _dict(flow: Flow, path: str, call: Call, sure: Sureness) -> Value:
    if path != "builtins.dict":
        return None
    given = call.arguments[0] if call.arguments else None
    items = given.items if isinstance(given, Table) else {}
    return Table(items | call.named, whole=not call.open and (given is None or isinstance(given, Table)))


def _partial(flow: Flow, path: str, call: Call, sure: Sureness) -> Value:
    return call.arguments[0] if call.arguments else None


def _prepare(flow: Flow, path: str, call: Call, sure: Sureness) -> Value:
    if path != "accelerate.Accelerator().prepare":
        return None
    for each in call.arguments:
        _noted(flow, "prepare", call, each, sure)
    return call.arguments[0] if len(call.arguments) == 1 else Series(tuple(call.arguments))


def _save_model(flow: Flow, path: str, call: Call, sure: Sureness) -> Value:
    return _noted(flow, "save-model", call, call.value("model", 0), sure) if path == "accelerate.Accelerator().save_model" else None


_Handler = Callable[[Flow, str, Call, Sureness], Value]
_TRAINERS = ("Trainer", "Seq2SeqTrainer", "SFTTrainer", "DPOTrainer", "GRPOTrainer", "RewardTrainer", "PPOTrainer", "ORPOTrainer", "KTOTrainer")
_CALLS: Mapping[str, _Handler] = {
    "pipeline": _pipeline,
    "SentenceTransformer": _sentence_transformer,
    "CrossEncoder": _sentence_transformer,
    "device": _device,
    "init_empty_weights": _init_empty_weights,
    "init_on_device": _device,
    "set_default_device": _set_default_device,
    "from_config": _from_config,
    "load_checkpoint_and_dispatch": _load_checkpoint,
    "load_checkpoint_in_model": _load_checkpoint,
    "dispatch_model": _does("dispatch"),
    "cpu_offload": _does("cpu-offload"),
    "disk_offload": _does("disk-offload"),
    "align_module_device": _does("align-module-device", gives_model=False),
    "remove_hook_from_submodules": _does("remove-hooks", gives_model=False),
    "remove_hook_from_module": _does("remove-hooks"),
    "infer_auto_device_map": _does("infer-device-map", gives_model=False),
    "get_non_persistent_buffers": _does("nonpersistent-helper", gives_model=False),
    "load_and_quantize_model": _does("load-and-quantize"),
    "get_peft_model": _does("new-adapter"),
    "FullyShardedDataParallel": _does("fsdp1"),
    "Accelerator": _accelerator,
    "deepcopy": _deepcopy,
    "Thread": _thread,
    **dict.fromkeys(("Lock", "RLock", "Semaphore", "BoundedSemaphore", "FileLock"), _lock),
    "ThreadPoolExecutor": _executor,
    "ThreadPool": _executor,
    "submit": _submit,
    "map": _submit,
    "to_thread": _to_thread,
    "run_in_executor": _to_thread,
    "get_event_loop": _loop,
    "get_running_loop": _loop,
    "setdefault": _setdefault,
    "putenv": _setdefault,
    "update": _setdefault,
    **dict.fromkeys(("Interface", "ChatInterface", "click", "change", "load"), _gradio_event),
    **dict.fromkeys(("run", "Popen", "call", "check_call", "check_output", "system"), _command),
    "dict": _dict,
    "partial": _partial,
    **dict.fromkeys(_TRAINERS, _trainer),
    "prepare": _prepare,
    "save_model": _save_model,
}


# Methods of what was made


def method_called(flow: Flow, owner: Value, name: str, call: Call) -> Value:
    """What a method does to what a library, or a class of the program, made."""
    if isinstance(owner, Model):
        handler = _METHODS.get(name)
        if handler is not None:
            return handler(flow, owner, call)
        return owner if name in _SAME_MODEL else None
    if isinstance(owner, (Class, Instance)):
        of = owner.of if isinstance(owner, Instance) else owner
        if name in _LOADERS and any(re.search(r"(?:^|\.)ModelMixin$", path) for path in of.ancestry()):
            return _with_options(flow, flow.subject(of.node.name, call.node, "load-diffusers"), call, "certain")
        if name in _LOADERS and any(re.search(r"PreTrainedModel$|For[A-Z]\w{1,60}$|Model$", path) for path in of.ancestry()):
            return transformers_load(flow, of.node.name, call, "certain")
    return None


def _move(flow: Flow, model: Model, call: Call) -> Value:
    """`.to(...)`: a move unless only a dtype is given."""
    given = call.given("device", 0)
    if given is None and not call.open:
        return model
    sure: Sureness = "likely"
    for value in options_of(given[0]) if given is not None else ():
        if isinstance(value, Library):
            if re.search(r"^torch\.(?:b?float|half|double|int|long|complex|uint)\w{0,8}$", value.path):
                return model
            sure = "certain" if value.path.startswith("torch.device") else sure
        if isinstance(value, Constant):
            if value.value is None or (not _DEVICES.match(str(value.value)) and not isinstance(value.value, int)):
                continue
            sure = "certain"
    if sure == "likely" and call.node.args and re.search(r"dtype|precision", ast.unparse(call.node.args[0]), re.IGNORECASE):
        return model
    if sure == "likely" and call.node.args and re.search(r"dev|cuda|gpu", ast.unparse(call.node.args[0]), re.IGNORECASE):
        sure = "certain"
    model.subject.note("move", flow.place(call.node, sure))
    return model


def _cuda(flow: Flow, model: Model, call: Call) -> Value:
    model.subject.note("move", flow.place(call.node))
    return model


def _notes(word: str, gives_model: bool = False) -> Callable[[Flow, Model, Call], Value]:
    def handler(flow: Flow, model: Model, call: Call) -> Value:
        model.subject.note(word, flow.place(call.node))
        return model if gives_model else None

    return handler


def _group_offload(flow: Flow, model: Model, call: Call) -> Value:
    _note_switches(flow, model, call, "certain", {"offload_to_disk_path": "group-offload-to-disk"})
    return None


def _save(flow: Flow, model: Model, call: Call) -> Value:
    model.subject.note("save", flow.place(call.node))
    safe = call.value("safe_serialization")
    if isinstance(safe, Constant) and safe.value is False:
        model.subject.note("save-bin", flow.place(call.node))
    return None


def _load_state_dict(flow: Flow, model: Model, call: Call) -> Value:
    place = flow.place(call.node)
    model.subject.note("load-state-dict", place)
    states = ast.unparse(call.node.args[0]) if call.node.args else ""
    if states in flow.assigned_states:
        model.subject.note("load-state-dict-again", place)
    assign, strict = call.given("assign", 2), call.given("strict", 1)
    if assign is not None and assign[0] != Constant(False):
        model.subject.note("load-state-dict-assign", place)
        if states.isidentifier():
            flow.assigned_states.add(states)
    elif not call.open:
        model.subject.note("load-state-dict-copy", place)
    if strict is not None and strict[0] == Constant(False):
        model.subject.note("load-state-dict-not-strict", place)
    return None


def _state_dict(flow: Flow, model: Model, call: Call) -> Value:
    return States((call.node.lineno, call.node.col_offset))


def _called_again(flow: Flow, model: Model, call: Call) -> Value:
    """A forward pass; what it gives may be its loss."""
    model.subject.note("forward", flow.place(call.node))
    return Bound(Model(model.subject, whole=False), "output")


_METHODS: Mapping[str, Callable[[Flow, Model, Call], Value]] = {
    "to": _move,
    "cuda": _cuda,
    "cpu": _cuda,
    "__call__": _called_again,
    "forward": _called_again,
    "encode": _notes("forward"),
    "predict": _notes("forward"),
    "generate": _notes("generate"),
    "backward": _notes("train"),
    "save_pretrained": _save,
    "push_to_hub": _save,
    "resize_token_embeddings": _notes("resize-embeddings"),
    "to_empty": _notes("to-empty", gives_model=True),
    "load_state_dict": _load_state_dict,
    "state_dict": _state_dict,
    "tie_weights": _notes("tie-weights"),
    "post_init": _notes("prepared-again"),
    "init_weights": _notes("prepared-again"),
    "merge_and_unload": _notes("merge-adapter", gives_model=True),
    "quantize": _notes("quantize"),
    "enable_sequential_cpu_offload": _notes("cpu-offload"),
    "enable_group_offload": _group_offload,
}
