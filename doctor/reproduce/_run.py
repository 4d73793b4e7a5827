"""Runs inside the patient: reproducers, each in a process and folder of its own, one JSON line each on stdout.

    python _run.py OPTIONS SCRIPT[::SHAPE] ...      OPTIONS is a JSON object: folder, seconds, bytes, jobs, device

torch, transformers and accelerate are imported once, with what loading any model imports, and the process then forks for each script:
importing them takes longer than most reproducers. Where there is no fork, each script gets a new interpreter. Standard library only at
this level; Python 3.8 and newer.
"""

import collections
import contextlib
import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

STACK = ("torch", "transformers", "accelerate")
LOADING = "transformers.modeling_utils"
VERDICTS = ("reproduced", "not reproduced", "not applicable")
FOREIGN = ("HF_", "HUGGINGFACE_", "TRANSFORMERS_", "PYTORCH_TRANSFORMERS_", "PYTORCH_PRETRAINED_", "ACCELERATE_", "FSDP_", "OMPI_", "PMI_", "MV2_")
LAUNCHED = ("WORLD_SIZE", "RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK", "NODE_RANK", "MASTER_ADDR", "MASTER_PORT")


def main():
    options, parts = json.loads(sys.argv[1]), [each.partition("::") for each in sys.argv[2:]]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # Whatever the stack prints must not mix with the answers.

    def say(**facts):
        answers.write("\n" + json.dumps(facts) + "\n")
        answers.flush()

    isolate(options["folder"], options["device"])
    for package in STACK:
        say(package=package, **imported(package))
    if len(parts) > 1:
        imported(LOADING)
    start = forked if hasattr(os, "fork") else spawned
    running = []
    for script, _, shape in parts:
        while len(running) >= options["jobs"]:
            finish(running, say)
        running.append(start(script, shape, options))
    while running:
        finish(running, say)
    answers.flush()
    os._exit(0)


def isolate(folder, device):
    """Nothing is fetched, nothing is written outside `folder`, and no GPU is touched unless asked for."""
    # A cache named one by one outranks HF_HOME, and old transformers write into it when imported; what a launcher
    # or configuration has set changes how models load, and a reproducer sets what it needs itself.
    for name in [each for each in os.environ if each.startswith(FOREIGN) or each in LAUNCHED]:
        del os.environ[name]
    own = {name: os.path.join(folder, "home") for name in ("HOME", "USERPROFILE", "HF_HOME", "XDG_CACHE_HOME", "TORCH_HOME")}
    offline = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    quiet = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "TMPDIR": folder, "TEMP": folder, "TMP": folder}
    os.environ.update(own)
    os.environ.update(offline)
    os.environ.update(quiet)
    if device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    tempfile.tempdir = folder
    sys.dont_write_bytecode = True
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [here] + [entry for entry in sys.path if os.path.abspath(entry or ".") != here]


def imported(package):
    try:
        module = importlib.import_module(package)
        return {"version": str(getattr(module, "__version__", None)), "error": None}
    except BaseException as error:
        return {"version": None, "error": first_line(error)}


Running = collections.namedtuple("Running", "script shape folder answer_file deadline poll kill")
"""A reproducer on its way. `poll()` says how it ended, None before."""


def forked(script, shape, options):
    folder = tempfile.mkdtemp(dir=options["folder"])
    answer_file = folder + ".answer"
    pid = os.fork()
    if pid == 0:
        answer(script, shape, folder, answer_file, options["bytes"])
        os._exit(0)

    def poll():
        done, status = os.waitpid(pid, os.WNOHANG)
        return None if done == 0 else "signal %d" % (status & 127) if status & 127 else "exit status %d" % (status >> 8)

    def kill():
        # Not its group: that is ours, by which doctor ends all of us. What it has started ends with us.
        with contextlib.suppress(OSError):
            os.kill(pid, 9)

    return Running(script, shape, folder, answer_file, time.time() + options["seconds"], poll, kill)


def spawned(script, shape, options):
    folder = tempfile.mkdtemp(dir=options["folder"])
    answer_file = folder + ".answer"
    code = "import sys; sys.path.insert(0, %r); import _run; _run.answer(*%r)"
    call = (script, shape, folder, answer_file, options["bytes"])
    process = subprocess.Popen([sys.executable, "-c", code % (os.path.dirname(os.path.abspath(__file__)), call)])

    def poll():
        status = process.poll()
        return None if status is None else "exit status %d" % status

    return Running(script, shape, folder, answer_file, time.time() + options["seconds"], poll, process.kill)


def answer(script, shape, folder, answer_file, limit):
    """Run one reproducer in one shape (empty: it has only one) and leave what it says in a file: its verdict, or `broken` and why."""
    verdict, detail = "broken", "it returned no verdict"
    try:
        limit_memory(limit)
        os.chdir(folder)
        sys.path.insert(0, os.path.dirname(os.path.abspath(script)))
        reproduce = importlib.import_module(os.path.splitext(os.path.basename(script))[0]).reproduce
        said = reproduce(folder, shape) if shape else reproduce(folder)
        if said.verdict in VERDICTS:
            verdict, detail = said.verdict, str(said.detail)
    except BaseException as error:
        detail = first_line(error)
    with open(answer_file, "w", encoding="utf-8") as file:
        json.dump([verdict, detail.split("\n")[0][:300]], file)


def limit_memory(limit):
    """RLIMIT_DATA, not RLIMIT_AS: torch reserves address space by the gigabyte that it never touches."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def finish(running, say):
    """Wait until one of them ends, or is ended because its time is up, and say how."""
    while True:
        for each in running:
            ending = each.poll()
            if ending is None and time.time() > each.deadline:
                each.kill()
                ending = "its time was up"
            if ending is not None:
                running.remove(each)
                verdict, detail = answer_of(each, ending)
                say(script=os.path.basename(each.script), shape=each.shape, verdict=verdict, detail=detail)
                shutil.rmtree(each.folder, ignore_errors=True)
                return
        time.sleep(0.02)


def answer_of(each, ending):
    try:
        with open(each.answer_file, encoding="utf-8") as file:
            verdict, detail = json.load(file)
            return verdict, detail
    except (OSError, ValueError):
        return "broken", "ended without a verdict: %s" % ending


def first_line(error):
    return "%s: %s" % (type(error).__name__, (str(error).strip().split("\n") or [""])[0][:300])


if __name__ == "__main__":
    main()
