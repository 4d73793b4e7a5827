"""Runs in an environment of `tools/verify_silent.py`: a reproducer, and then `truth.inspect` on the very model that it made.

    python verify_silent.py TRUTH_FOLDER SCRIPT[::SHAPE] ...

The reproducers know nothing of this. The model is caught as it passes: what `from_pretrained` returns, or what a function of the
reproducer calls `model`. Prints one JSON line for each: the reproducer's verdict, and the answers.
"""

import contextlib
import faulthandler
import glob
import importlib
import json
import os
import sys
import tempfile

CAUGHT = {"from_pretrained": [], "frames": {}, "linear": None}
WARM = (
    "torch", "accelerate", "transformers:LlamaForCausalLM", "transformers:GPT2LMHeadModel", "transformers:BertModel", "transformers:Trainer",
    "transformers:BartForConditionalGeneration", "transformers:T5ForConditionalGeneration", "transformers:PegasusForConditionalGeneration",
    "transformers:MarianMTModel", "peft",
)  # fmt: skip
"""Imported once, before each reproducer runs in a process of its own."""
SECONDS = 240
"""How long one reproducer and its inspection may take."""
WATCHED = ("reproduce", "nested", "overlap", "tied_offloaded", "tied_on_disk")


def catch(reproducers):
    """Note what functions return and how their variables stand then."""

    def profile(frame, event, argument):
        name = frame.f_code.co_name
        if event == "return":
            if name == "from_pretrained" and hasattr(argument, "named_modules"):
                path = frame.f_locals.get("pretrained_model_name_or_path")
                CAUGHT["from_pretrained"].append((argument, path))
            elif name in WATCHED and frame.f_code.co_filename.startswith(reproducers):
                CAUGHT["frames"][name] = dict(frame.f_locals)
            elif name == "__init__" and frame.f_back is not None and frame.f_back.f_code.co_name == "overlap":
                CAUGHT["linear"] = frame.f_locals["self"]

    sys.setprofile(profile)


def stored(truth_files, place):
    """The tensors in a folder or file; the files are of our own making."""
    if place is None:
        return [], []
    files = [place] if os.path.isfile(place) else sorted(glob.glob(os.path.join(place, "*.safetensors")))
    found = []
    for file in (each for each in files if each.endswith(".safetensors")):
        with open(file, "rb") as opened:
            length = int.from_bytes(opened.read(8), "little")
            header = json.loads(opened.read(length))
        for name, each in header.items():
            if name != "__metadata__":
                found.append(truth_files.Stored(name, file, each["dtype"], tuple(each["shape"]), 8 + length + each["data_offsets"][0]))
    if found:
        return found, []
    return [], [place] if os.path.isfile(place) else sorted(glob.glob(os.path.join(place, "pytorch_model*.bin")))


def models(advisory, shape, workdir):
    """Name, model, checkpoint, and what builds it anew, of what this reproducer made."""
    locals_ = CAUGHT["frames"].get("reproduce", {})
    loaded = CAUGHT["from_pretrained"] or [(None, None)]
    model, path = loaded[0 if advisory == "MT140" else -1]  # it loads once more, plainly, to compare
    if advisory == "MT026":
        return [("model", locals_["model"], str(locals_["saved"]), None)]  # against what was written of it: that does not load
    if advisory == "MT103":
        if "target" not in locals_:
            return []
        kind = type(model)
        return [("merged", kind.from_pretrained(locals_["target"]), locals_["target"], None)]
    if advisory == "MT102":
        return [("model", locals_["model"], path, None)]
    if advisory == "MT054":
        import _dispatch

        return [("model", locals_["model"], None, lambda: _dispatch.tied(locals_["order"]))]
    if advisory == "MT051":
        import _dispatch

        order = "head-first" if shape == "head-first" else "embed-first"
        return [("model", locals_["model"], os.path.join(workdir, "weights.bin"), lambda: _dispatch.tied(order))]
    if advisory == "MT057":
        return [("module", locals_["module"], None, sys.modules["reproducer"].nested)]
    if advisory == "MT061":
        return [("twin", locals_["twin"], None, None)]
    if advisory == "MT064":
        return [("model", locals_["model"], locals_["path"], None)]
    if advisory == "MT066":
        return [("model", locals_["model"], locals_["path"], sys.modules["reproducer"].numbered)]
    if advisory == "MT075":
        return [("model", locals_["model"], None, sys.modules["reproducer"].self_tied)]
    if advisory == "MT076":
        return [("linear", CAUGHT["linear"], None, None)]
    if advisory == "MT081":
        return [("model", locals_["model"], written(locals_["original"], workdir), None)]
    if advisory == "MT083":
        file = written(locals_["original"], workdir)
        return [("both", locals_["both"], file, None), ("one", locals_["one"], file, None)]
    if advisory == "MT084":
        return [("later", locals_["later"], None, None)]
    if advisory == "MT104":
        return [("model", locals_["model"], None, None)]
    if advisory == "MT120":
        import _offload

        return [("model", locals_["model"], locals_["path"], lambda: _offload.buffered(persistent=True))]
    if advisory == "MT159":
        return [("loaded", locals_["model_class"].from_pretrained(locals_["path"]), locals_["path"], None)]  # made after the default was changed
    if advisory == "MT161":
        return [("model", locals_["model"], written(locals_["original"], workdir), None)]
    if advisory == "MT162":
        return [("second", locals_["second"], os.path.join(workdir, "run", "checkpoint-1"), None)]
    if advisory == "MT164":
        return [("model", locals_["model"], locals_["path"], None)]
    if advisory == "MT165":
        return [("model", locals_["model"], locals_["path"], None), *([] if model is None else [("again", model, path, None)])]
    if advisory == "MT171":
        import _offload

        build = _offload.stack
        return [("model", locals_["model"], locals_["path"], build), ("original", locals_["original"], locals_["file"], build)]
    return [] if model is None else [("loaded", model, path, None)]


def written(model, workdir):
    import torch

    path = os.path.join(workdir, "original.bin")
    torch.save(model.state_dict(), path)
    return path


def main():
    truth_folder, parts = sys.argv[1], [each.partition("::") for each in sys.argv[2:]]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    os.environ.update({"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"})
    sys.path[:0] = [os.path.dirname(os.path.abspath(parts[0][0])), truth_folder]
    used = ""
    for script, _, _ in parts:
        with open(script, encoding="utf-8") as file:
            used += file.read()
    for name in WARM if "transformers" in used or "_tiny" in used or "peft" in used else WARM[:2]:
        package, _, attribute = name.partition(":")
        with contextlib.suppress(BaseException):
            getattr(importlib.import_module(package), attribute or "__name__")
    for script, _, shape in parts:
        with tempfile.TemporaryDirectory() as workdir:
            read, write = os.pipe()
            pid = os.fork()
            if pid == 0:
                with os.fdopen(write, "w") as file:
                    json.dump(answer(script, shape, workdir), file)
                os._exit(0)
            os.close(write)
            with os.fdopen(read) as file:
                text = file.read()
            os.waitpid(pid, 0)
        answers.write("\n" + json.dumps({"script": os.path.basename(script), "shape": shape, "said": text}) + "\n")
        answers.flush()


def answer(script, shape, workdir):
    """Run one reproducer and inspect what it made."""
    import torch
    import truth
    import truth.files

    faulthandler.dump_traceback_later(SECONDS, exit=True)
    os.chdir(workdir)
    said = {"verdict": "broken", "detail": "", "models": []}
    try:
        name = os.path.splitext(os.path.basename(script))[0]
        module = importlib.import_module(name)
        sys.modules["reproducer"] = module
        catch(os.path.dirname(os.path.abspath(script)))
        try:
            verdict = module.reproduce(workdir, shape) if shape else module.reproduce(workdir)
        finally:
            sys.setprofile(None)
        said.update(verdict=verdict.verdict, detail=verdict.detail)
        if verdict.verdict != "not applicable":
            for name, model, place, build in models(os.path.basename(script)[:5].upper(), shape, workdir):
                tensors, pickled = stored(truth.files, place)
                said["models"].append({"name": name, "answer": truth.inspect(torch, model, tensors, pickled, build=build)})
    except BaseException as error:
        said["error"] = "%s: %s" % (type(error).__name__, str(error)[:500])
        if os.environ.get("VERIFY_DEBUG"):
            import traceback

            traceback.print_exc()
    return said


if __name__ == "__main__":
    main()
