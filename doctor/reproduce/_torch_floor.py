"""The oldest torch that the installed transformers accepts: below it, transformers behaves as if torch were absent."""

import subprocess
import sys
from typing import NamedTuple, Optional

from _harness import Verdict, not_applicable, not_reproduced, reproduced

_BUILD = (
    "from transformers import LlamaConfig, LlamaForCausalLM; "
    "LlamaForCausalLM(LlamaConfig(hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=4, vocab_size=96))"
)


def verdict(floor: str, workdir: str) -> Verdict:
    """Whether transformers disables the installed torch for being older than `floor`; it does not apply where the floor is another."""
    import torch
    import transformers

    built = _built(workdir)
    pair = "transformers %s and torch %s" % (transformers.__version__, torch.__version__)
    if built.floor not in (None, floor):
        return not_applicable("%s: the floor is %s, not %s" % (pair, built.floor, floor))
    if built.floor == floor:
        if "PyTorch" not in built.error:
            raise AssertionError("torch is disabled, but: " + (built.error or "a model was built"))
        return reproduced("%s: Disabling PyTorch because PyTorch >= %s is required; %s" % (pair, floor, built.error))
    if built.error:
        raise AssertionError("torch is accepted, but: " + built.error)
    return not_reproduced("%s build a model" % pair)


class _Built(NamedTuple):
    floor: Optional[str]
    """What transformers said that it needs when it disabled torch; None where it did not."""
    error: str
    """The line that asks for PyTorch, or else the last of what it said; empty where the model was built."""


def _built(workdir: str) -> _Built:
    """A small model built in a new interpreter: a runner has imported transformers before, and the warning is gone."""
    ended = subprocess.run([sys.executable, "-c", _BUILD], cwd=workdir, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    lines = ended.stderr.decode(errors="replace").strip().splitlines()
    said = [line.partition("PyTorch >= ")[2].split(" ")[0] for line in lines if "Disabling PyTorch because PyTorch >= " in line]
    asked = [line for line in lines if "PyTorch" in line and " requires " in line]
    return _Built(said[0] if said else None, (asked or lines or ["no message"])[-1] if ended.returncode else "")
