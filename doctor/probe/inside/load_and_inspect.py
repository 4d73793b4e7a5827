"""Runs in the patient: loads a model as its user would, holds it against its files, and leaves the answer in a file.

    python load_and_inspect.py REQUEST      REQUEST is a JSON file: see `request` in doctor/probe/verification.py

Standard library, and what the patient has; Python 3.8 and newer. What the stack prints goes where it likes: the answer is in a file.
"""

import contextlib
import importlib
import importlib.util
import json
import os
import sys
import time

import truth
from truth.files import CannotRead, Stored, first_line, pickled_tensors


class Refused(Exception):
    """What was asked cannot be done; the text says why."""


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        request = json.load(file)
    del sys.path[0]
    sys.path.insert(0, request["directory"])
    answer = {"error": None, "inspection": None, "seconds": {}, "peak_bytes": {}, "versions": {}}
    try:
        answer.update(run(request))
    except Refused as error:
        answer["error"] = str(error)
    except CannotRead as error:
        answer["error"] = str(error)
    except MemoryError:
        answer["error"] = out_of_memory(request)
    except BaseException as error:
        known = out_of_memory(request) if "can't allocate memory" in str(error) or "not enough memory" in str(error) else None
        answer["error"] = known or "it could not be loaded: " + first_line(error)
    unfinished = request["answer"] + ".unfinished"
    with open(unfinished, "w", encoding="utf-8") as file:
        json.dump(answer, file)
    os.replace(unfinished, request["answer"])
    sys.stdout.flush()
    os._exit(0)  # threads of the stack may go on


def run(request):
    environment(request)
    limit_memory(request["memory"])
    clock = [time.time()]
    seconds = {}

    def stage(name):
        clock.append(time.time())
        seconds[name] = round(clock[-1] - clock[-2], 3)

    say(request, "importing torch", 0, 0)
    try:
        torch = importlib.import_module("torch")
    except BaseException as error:
        raise Refused("torch cannot be imported: " + first_line(error)) from None
    for part in request["parts"]:
        for file in part["pickled"]:
            pickled_tensors(torch, file)
    loaded = class_of(request)
    stage("import")
    say(request, "loading the model", 0, 0)
    with open(os.devnull) as nothing:
        sys.stdin = nothing  # nobody is there to be asked whether remote code may run
        model = load(loaded, request)
    stage("load")
    peak = {"load": peak_bytes()}
    inspection = inspected(torch, model, request)
    stage("inspect")
    peak["inspect"] = peak_bytes()
    versions = {name: str(sys.modules[name].__version__) for name in ("torch", "transformers", "accelerate", "diffusers") if name in sys.modules}
    return {"inspection": inspection, "seconds": seconds, "peak_bytes": peak, "versions": versions}


def environment(request):
    """Nothing is fetched, and what the stack would draw on a terminal is not drawn."""
    os.environ.update({"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"})
    os.environ.update({"HF_HUB_DISABLE_PROGRESS_BARS": "1", "TOKENIZERS_PARALLELISM": "false", "DO_NOT_TRACK": "1"})
    if request["device"] == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    sys.dont_write_bytecode = True


def limit_memory(limit):
    """RLIMIT_DATA, not RLIMIT_AS: torch reserves address space by the gigabyte that it never touches."""
    if limit is None:
        return
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def out_of_memory(request):
    limit = request["memory"]
    return "it takes more memory than %s" % (
        "there is" if limit is None else "the %.1f GiB it was given; --memory gives it more" % (limit / 1024.0**3)
    )


def peak_bytes():
    """The most that was resident so far; None where the system does not say."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as file:
            return next((int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM:")), None)
    except OSError:
        return None


def class_of(request):
    """The class that loads it: the one named, else the one that its configuration names, else AutoModel."""
    name = request["class"]
    if name is not None and (":" in name):
        return own_class(name)
    library = "diffusers" if request["pipeline"] else "transformers"
    try:
        module = importlib.import_module(library)
    except BaseException as error:
        raise Refused("%s cannot be imported: %s" % (library, first_line(error))) from None
    if name is not None:
        found = getattr(module, name, None)
        if found is None:
            raise Refused("--class %s: %s %s has no such class; FILE.py:CLASS names one of your own" % (name, library, module.__version__))
        return found
    if request["pipeline"]:
        return module.DiffusionPipeline
    candidates = list(request["auto_map"]) if request["trust_remote_code"] else []
    candidates += request["architectures"]
    for each in candidates:
        found = getattr(module, each, None)
        if (
            found is not None
            and hasattr(found, "from_pretrained")
            and each.partition("For")[0] not in ("AutoConfig", "AutoTokenizer", "AutoProcessor")
        ):
            return found
    return module.AutoModel


def own_class(name):
    place, _, attribute = name.rpartition(":")
    try:
        if place.endswith(".py"):
            spec = importlib.util.spec_from_file_location(os.path.splitext(os.path.basename(place))[0], place)
            module = importlib.util.module_from_spec(spec)
            sys.modules[spec.name] = module
            spec.loader.exec_module(module)
        else:
            module = importlib.import_module(place)
    except BaseException as error:
        raise Refused("--class %s: %s cannot be imported: %s" % (name, place, first_line(error))) from None
    found = getattr(module, attribute, None)
    if found is None or not hasattr(found, "from_pretrained"):
        raise Refused("--class %s: %s has no class of that name with from_pretrained" % (name, place))
    return found


def load(kind, request):
    options = {}
    if request["dtype"] is not None:
        options[dtype_option(kind)] = dtype(request["dtype"])
    if request["device_map"] is not None:
        options["device_map"] = request["device_map"]
        options["offload_folder"] = request["offload"]
    if not request["pipeline"]:
        options["trust_remote_code"] = request["trust_remote_code"]
        if kind.__name__.startswith("Auto") is False:
            options.pop("trust_remote_code")
    model = kind.from_pretrained(request["folder"], **options)
    return model[0] if isinstance(model, tuple) else model


def dtype_option(kind):
    """transformers calls it `dtype` from 4.56 on, diffusers still `torch_dtype`."""
    if kind.__module__.split(".")[0] == "diffusers":
        return "torch_dtype"
    numbers = sys.modules["transformers"].__version__.split(".") if "transformers" in sys.modules else ["5", "0"]
    return "dtype" if (int(numbers[0]), int(numbers[1])) >= (4, 56) else "torch_dtype"


def dtype(name):
    found = getattr(sys.modules["torch"], name, None)
    if name == "auto":
        return name
    if found is None or not hasattr(found, "is_floating_point"):
        raise Refused("--dtype %s: torch has no such type; float32, float16, bfloat16 and auto are usual" % name)
    return found


def inspected(torch, model, request):
    """One answer for the model; for a pipeline one for each of its parts."""
    found = []
    for part in request["parts"]:
        each = getattr(model, part["name"], None) if part["name"] else model
        if not isinstance(each, torch.nn.Module):
            continue
        stored = [Stored(name, file, kind, tuple(shape), begin) for name, file, kind, shape, begin in part["stored"]]

        def went(done, total, name=part["name"]):
            say(request, "holding %s against its files" % (name or "its tensors"), done, total)

        found.append((part["name"], truth.inspect(torch, each, stored, part["pickled"], digests=request["digests"], went=went)))
    return truth.joined(found, type(model).__name__, type(model).__module__) if request["pipeline"] else found[0][1]


LAST = [0.0]


def say(request, what, done, total):
    """How far it is, for whoever watches."""
    if time.time() - LAST[0] < 0.2 and 0 < done < total:
        return
    LAST[0] = time.time()
    with contextlib.suppress(OSError), open(request["progress"], "w", encoding="utf-8") as file:
        json.dump([what, done, total], file)


if __name__ == "__main__":
    main()
