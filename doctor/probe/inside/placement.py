"""Runs inside the patient: lets the installed transformers place a model on meta, and says where it puts each part of it.

`from_pretrained` itself is called, in a folder that holds the model's configuration and a checkpoint of one number, and is left where it has
built the model on meta, decided on the device map and would begin to read weights. So whatever a release does on the way (balanced memory,
what is kept back, parts that must not be split, dtypes kept, ties, quantisers) is done by that release and not by us.

Takes a job (JSON) as a file, answers one JSON object a line. Standard library and the patient's packages only; Python 3.8 and newer.
"""

import json
import os
import signal
import sys
import warnings

OFFLOADED = ("cpu", "disk")


class Placed(BaseException):
    """Ends from_pretrained where it would begin to read weights. Nothing that it goes through catches this."""

    def __init__(self, model, device_map, dtypes):
        self.model, self.device_map, self.dtypes = model, device_map, dtypes


def main():
    lifetime = int(sys.argv.pop())
    if hasattr(signal, "alarm"):
        signal.alarm(lifetime)  # Should doctor be killed: not to hang here for ever.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # Whatever the packages print must not mix with the answers.

    def say(**facts):
        answers.write("\n" + json.dumps(facts) + "\n")
        answers.flush()

    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if not is_folder(entry, here)]
    with open(sys.argv[1], encoding="utf-8") as file:
        job = json.load(file)
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", HF_MODULES_CACHE=job["modules"], TRANSFORMERS_VERBOSITY="error")
    warnings.simplefilter("ignore")
    try:
        place_all(job, say)
    except BaseException as error:
        say(error="%s: %s" % (type(error).__name__, error))
    answers.flush()
    os._exit(0)  # Not through the clean-up of torch, which can hang.


def place_all(job, say):
    say(step="import torch")
    import torch

    say(step="import accelerate")
    import accelerate.big_modeling  # noqa: F401  (which from_pretrained would import in its middle)

    say(step="import of the model's class")
    load = loader(job)
    machine = Machine(torch)
    libraries = resident()
    say(step="building on meta")
    results = []
    for attempt in job["attempts"]:
        machine.set(attempt)
        results.append(dict(placed(torch, load, job, attempt), libraries=libraries))
        say(results=results)
    say(step="done")


def resident():
    """The bytes of RAM that this process has now, with everything imported and no model; None where the system does not say."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as file:
            return next((int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS:")), None)
    except OSError:
        return None


def loader(job):
    """What loads the model: the class's own from_pretrained, left where it would begin to read."""
    import accelerate.big_modeling

    def stop(model=None, *others, **named):
        found = [each for each in (model, *others) if hasattr(each, "named_parameters")] or [named["model"]]
        settings = next((each for each in (*others, *named.values()) if hasattr(each, "dtype_plan")), None)
        device_map = named["device_map"] if settings is None else settings.device_map
        raise Placed(found[0], device_map, kept_dtypes(named, settings))

    accelerate.big_modeling.load_checkpoint_in_model = stop
    if job["library"] == "diffusers":
        import diffusers

        if hasattr(diffusers.ModelMixin, "_load_pretrained_model"):
            diffusers.ModelMixin._load_pretrained_model = stop
        return getattr(diffusers, job["class"]).from_pretrained
    import transformers
    import transformers.modeling_utils

    if not hasattr(transformers.PreTrainedModel, "_load_pretrained_model"):
        raise RuntimeError("this transformers loads in a way that doctor does not know")
    transformers.PreTrainedModel._load_pretrained_model = stop
    return model_class(transformers, job).from_pretrained


def model_class(transformers, job):
    """The class that was named or the model was saved from; else the one that AutoModel takes for its configuration."""
    own = job["own_code"]
    if own and not job["class"]:
        return getattr(transformers, next((each for each in own if each.startswith("AutoModelFor")), "AutoModel"))
    for name in job["classes"]:
        if hasattr(transformers, name):
            return getattr(transformers, name)
    return transformers.AutoModel


def kept_dtypes(named, settings):
    """By a test on a parameter's name, the dtype it is given in spite of the one asked for; as this release keeps such a list."""
    import re

    import torch

    plan = getattr(settings, "dtype_plan", None)
    if plan:
        return [(re.compile(pattern).search, dtype) for pattern, dtype in plan.items()]
    pattern = named.get("keep_in_fp32_regex")
    if pattern is not None:
        return [(pattern.search, torch.float32)]
    names = set(named.get("keep_in_fp32_modules") or ())
    return [(lambda name: bool(names & set(name.split("."))), torch.float32)] if names else []


class Machine:
    """What accelerate finds of devices: those that an attempt names in place of those that are here."""

    def __init__(self, torch):
        from accelerate.utils import modeling

        self._torch, self._modeling, self._really = torch, modeling, modeling.get_max_memory
        self._gpus = self._ram = None
        replace_everywhere(self._really, self.get_max_memory)

    def set(self, attempt):
        self._gpus, self._ram = attempt["gpus"], attempt["ram"]
        given = attempt["max_memory"] or ()
        if self._gpus or any(each.isdigit() for each in given):
            with_numbered_devices(self._torch, self._modeling)

    def get_max_memory(self, max_memory=None):
        found = self._really(max_memory)
        if max_memory is None and self._gpus is not None:
            found = dict(list(enumerate(self._gpus)) + [(name, size) for name, size in found.items() if isinstance(name, str)])
        if max_memory is None and self._ram is not None:
            found.update({name: self._ram for name in found if isinstance(name, str)})
        return found


def with_numbered_devices(torch, modeling):
    """Let `torch.device(0)` be a GPU for accelerate where there is none: newer releases of torch refuse to say what it would be."""
    if modeling.torch is not torch:
        return

    class Kind(type):
        def __instancecheck__(cls, value):
            return isinstance(value, torch.device)

        def __call__(cls, *arguments, **named):
            numbered = arguments and isinstance(arguments[0], int)
            return torch.device("cuda", *arguments) if numbered else torch.device(*arguments, **named)

    class Torch:
        device = Kind("device", (), {})

        def __getattr__(self, name):
            return getattr(torch, name)

    modeling.torch = Torch()


def replace_everywhere(function, other):
    """In each module that has imported it, under whatever name."""
    for module in list(sys.modules.values()):
        for name, value in list(getattr(module, "__dict__", {}).items()):
            if value is function:
                setattr(module, name, other)


def placed(torch, load, job, attempt):
    try:
        load(job["folder"], **load_options(torch, job, attempt))
    except Placed as found:
        return dict(facts(torch, job, found), limits=limits_of(attempt))
    except Exception as error:
        return {"error": "%s: %s" % (type(error).__name__, error)}
    return {"error": "from_pretrained came to its end without a device map"}


def load_options(torch, job, attempt):
    options = {"device_map": attempt["device_map"], "torch_dtype": attempt["dtype"], "local_files_only": True}
    if job["library"] != "diffusers":
        options["trust_remote_code"] = job["trust_remote_code"]
    if attempt["max_memory"]:
        options["max_memory"] = max_memory_of(attempt)
    if attempt["dtype"] is None:
        del options["torch_dtype"]
    elif attempt["dtype"] != "auto":
        options["torch_dtype"] = getattr(torch, attempt["dtype"])
    if attempt["offload_folder"] is not None:
        options["offload_folder"] = attempt["offload_folder"]
    if attempt["quantization"] is not None:
        import transformers

        options["quantization_config"] = transformers.BitsAndBytesConfig(**{"load_in_%s" % attempt["quantization"]: True})
    return options


def limits_of(attempt):
    """What accelerate takes for free on each device."""
    from accelerate.utils.modeling import get_max_memory

    given = max_memory_of(attempt)
    return {str(name): int(size) for name, size in get_max_memory(given and dict(given)).items()}


def max_memory_of(attempt):
    given = attempt["max_memory"]
    return given and {int(name) if name.isdigit() else name: size for name, size in given.items()}


def facts(torch, job, found):
    model, device_map = found.model, {str(name): str(device) for name, device in found.device_map.items()}
    tie = getattr(model, "tie_weights", None)
    if tie is not None:
        tie()
    tensors = list(named_tensors(model))
    entries = {name: {"module": name, "device": device, "tensors": 0, "parameters": 0, "bytes": 0} for name, device in device_map.items()}
    totals, dtypes, ties = {"parameters": 0, "buffers": 0, "buffer_bytes": 0, "not_saved": 0}, {}, {}
    seen, largest = {}, 0
    modules = {name for name, _ in model.named_modules()}
    offloaded = offloaded_devices(device_map)
    meta = {"tensors": 0, "parameters": 0, "bytes": 0}
    for name, tensor, kind, owner in tensors:
        entry = entries[entry_of(name, device_map)]
        is_meta = kind == "parameter" and (entry["device"] in offloaded if entry["module"] in modules else entry["device"] == "disk")
        if id(tensor) in seen:
            ties.setdefault(seen[id(tensor)][0], []).append(name)
            seen[id(tensor)][1].append(is_meta)
            continue
        sizes = packed(owner, tensor) if kind == "parameter" and name.endswith(".weight") else None
        if sizes is None:
            dtype = kept(name, tensor, found.dtypes) if kind == "parameter" else tensor.dtype
            sizes = {dtype_name(dtype): tensor.numel() * torch.empty((), dtype=dtype).element_size()}
        for dtype, size in sizes.items():
            dtypes[dtype] = dtypes.get(dtype, 0) + size
        length = sum(sizes.values())
        seen[id(tensor)] = (name, [is_meta], tensor, length)
        entry["bytes"] += length
        largest = max(largest, length)
        if kind == "parameter":
            entry["tensors"] += 1
            entry["parameters"] += tensor.numel()
            totals["parameters"] += tensor.numel()
        else:
            totals["buffers"] += tensor.numel()
            totals["buffer_bytes"] += length
            totals["not_saved"] += length if kind == "buffer that is not saved" else 0
    for _, all_meta, tensor, length in seen.values():
        if all(all_meta):
            meta["tensors"] += 1
            meta["parameters"] += tensor.numel()
            meta["bytes"] += length
    return {
        "model_class": type(model).__name__,
        "parts": list(entries.values()),
        "dtypes": dtypes,
        "ties": dict(sorted(ties.items())),
        "on_meta": meta,
        "whole": sorted(getattr(model, "_no_split_modules", None) or ()),
        "largest": largest,
        "cache": cache_bytes(torch, model, job) if job["cache"] else None,
        **totals,
    }


def named_tensors(model):
    """Every tensor under every name it has, what it is, and the module that has it."""
    saved = set(model.state_dict())
    for prefix, module in model.named_modules():
        prefix = prefix + "." if prefix else ""
        for name, tensor in module._parameters.items():
            if tensor is not None:
                yield prefix + name, tensor, "parameter", module
        for name, tensor in module._buffers.items():
            if tensor is not None:
                yield prefix + name, tensor, "buffer" if prefix + name in saved else "buffer that is not saved", module


def entry_of(name, device_map):
    """The entry of a device map that decides on a tensor: the longest that is its name or a beginning of it."""
    while name and name not in device_map:
        name = name.rpartition(".")[0]
    return name if name in device_map else next(iter(device_map))


def offloaded_devices(device_map):
    """The devices whose parameters are on meta between two forwards, as accelerate's dispatch_model decides it."""
    devices = set(device_map.values())
    if len(devices) == 1:
        return ("disk",)
    main = next((each for each in device_map.values() if each not in OFFLOADED), "cpu")
    return ("disk",) if main in ("cpu", "mps") else OFFLOADED


def kept(name, tensor, dtypes):
    if not tensor.is_floating_point():
        return tensor.dtype
    return next((dtype for matches, dtype in dtypes if matches(name)), tensor.dtype)


def packed(owner, weight):
    """The bytes by dtype of a weight that bitsandbytes packs when it is loaded, with what it unpacks them by; None for any other."""
    if type(owner).__module__.split(".")[0] != "bitsandbytes":
        return None
    if type(owner).__name__ == "Linear8bitLt":
        return {"int8": weight.numel(), "float32": 4 * weight.shape[0]}
    if type(owner).__name__ != "Linear4bit":
        return None
    blocks = -(-weight.numel() // (getattr(weight, "blocksize", None) or 64))
    sizes = {"uint8 (4 bits each)": -(-weight.numel() // 2), "float32": 4 * 16 + 4 * blocks}
    if getattr(weight, "compress_statistics", False):
        sizes.update({"uint8": blocks, "float32": 4 * 16 + 4 * -(-blocks // 256) + 4 * 256 + 4})
    return sizes


def dtype_name(dtype):
    return str(dtype).replace("torch.", "", 1)


def cache_bytes(torch, model, job):
    """What the class's own cache holds after a forward on meta of so many tokens; None, with the reason, where that fails."""
    model.eval()
    autocast = torch.autocast
    torch.autocast = lambda device_type, *others, **named: autocast("cpu" if device_type == "meta" else device_type, *others, **named)
    try:
        with torch.no_grad(), torch.device("meta"):
            tokens = torch.zeros((job["cache"]["batch"], job["cache"]["context"]), dtype=torch.long, device="meta")
            output = model(input_ids=tokens, use_cache=True)
        return {"bytes": sum(each.numel() * each.element_size() for each in tensors_in(output.past_key_values)), "reason": None}
    except Exception as error:
        return {"bytes": None, "reason": "%s: %s" % (type(error).__name__, error)}
    finally:
        torch.autocast = autocast


def tensors_in(cache):
    """Every tensor that a cache holds, whatever this release makes it of."""
    found, seen, rest = [], set(), [cache]
    while rest:
        each = rest.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if hasattr(each, "numel") and hasattr(each, "element_size"):
            found.append(each)
        elif isinstance(each, dict):
            rest.extend(each.values())
        elif isinstance(each, (list, tuple)):
            rest.extend(each)
        elif type(each).__module__.startswith("transformers"):
            rest.extend(vars(each).values())
    return found


def is_folder(entry, folder):
    """Whether an entry of sys.path, which may be anything, is this folder."""
    try:
        return os.path.abspath(entry or ".") == folder
    except (TypeError, ValueError):
        return False


if __name__ == "__main__":
    main()
