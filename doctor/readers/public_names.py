"""What the person who ran a program named has nothing to do with why it failed: lines and failures without it.

Taken out are paths, but for what of them a library or a known program is called by, and names of files, addresses, hashes, times and the
prompts of shells. What is left is the same whoever ran it, and wherever.
"""

from __future__ import annotations

import re
from dataclasses import replace

from doctor.facts.symptom import Failure

_INSTALLED = frozenset({"site-packages", "dist-packages"})
LIBRARIES = (
    "accelerate", "anyio", "asyncio", "auto_gptq", "awq", "axolotl", "bitsandbytes", "compel", "concurrent", "deepspeed", "diffusers", "gptqmodel",
    "gradio", "importlib", "ktransformers", "lightning", "llmcompressor", "llmtuner", "lmdeploy", "megatron", "modelopt", "nemo", "optimum", "peft",
    "pytorch_lightning", "safetensors", "sentence_transformers", "sglang", "starlette", "streamlit", "timm", "torch", "transformers",
    "transformers_modules", "trl", "unsloth", "vllm", "xinference",
)  # fmt: skip
_PROGRAMS = (
    "comfy", "comfyui", "custom_nodes", "fluxgym", "fooocus", "invokeai", "kohya_ss", "llama-factory", "sd-scripts", "sd_scripts", "simpletuner",
    "stable-diffusion-webui", "stable-diffusion-webui-forge", "tensorrt-llm", "text-generation-webui", "text_generation_server",
)  # fmt: skip
_KNOWN = frozenset({*LIBRARIES, *_PROGRAMS})
"""Folders whose names tell what runs, and not who runs it. A folder of one's own that is called so is taken for it."""
_CONVENTIONAL = re.compile(
    r"(?:(?:pytorch_|adapter_|diffusion_pytorch_)?model|(?:adapter_|generation_|ds_|accelerate_)?config|model_index|optimizer|tokenizer)"
    r"(?:[._-][\w.-]{0,40})?\.\w{1,12}|(?:auto_factory|big_modeling|modeling_utils|partition_parameters|sd_models|SentenceTransformer)\.py"
)
"""Names of files that a format or a library gives, wherever they lie."""
_ENDINGS = "bin|ckpt|cpp|csv|cu|gguf|html|ipynb|jpe?g|jsonl?|log|md|mp4|onnx|parquet|png|pth?|py|safetensors|sh|toml|txt|ya?ml|zip"
_ENDING = re.compile(rf"\.(?:{_ENDINGS})$", re.IGNORECASE)
_NAMED = re.compile(
    r'(?P<quoted>(?<=File ")[^"\n]{1,500}(?=")|(?<=["\'])(?:[A-Za-z]:[\\/]|~?/)[^"\'\n]{1,300}(?=["\']))'
    r"|(?P<gone>(?<![\w.+-])[A-Za-z][A-Za-z0-9+.-]{1,10}://[^\s\"'<>)\]]{1,500}"
    r"|(?<![\w.@:-])[\w.-]{1,60}@[\w.-]{1,80}:[^\s$#]{0,200}[$#](?= |$)|^\([\w.-]{1,60}\) (?=\S)"
    r"|\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d[\w.:+-]{0,24}|\b0x[0-9a-fA-F]{1,16}\b|\b(?=[a-f]{0,16}\d)[0-9a-f]{8,64}\b)"
    r"|(?P<path>(?<![\w.\\/:-])[A-Za-z]:[\\/][^\s\"'`<>|:*?,;()]{0,500}"
    r"|(?<![\w.)\]}<>/\\~-])(?:~|\.{1,3}|…|<[\w-]{1,20}>)?[\\/]{1,2}[\w.@+~-][\w.@+~<>/\\-]{0,500}"
    r"|(?<![\w.@+/\\~-])[\w.@+-]{1,120}[/\\][\w.@+~<>/\\-]{1,500})"
    r"|(?P<file>(?<![\w.@+/\\~-])[\w.+-]{1,120}\.(?:bin|ckpt|gguf|ipynb|jsonl?|onnx|pth?|py|safetensors|sh|toml|txt|ya?ml|zip)\b(?![\w(=]))"
)
_MAY_BE_NAMED = re.compile(r'[/\\@]|File "|^\(|\.(?:bin|ckpt|gguf|ipynb|json|onnx|pt|py|safetensors|sh|to|txt|ya?ml|zip)|0x|[0-9a-f]{8}|\d-\d\d[T ]')
"""What a line that holds any such name holds: to look for it takes a tenth of the time."""


def without_own_names(line: str) -> str:
    """The line without what whoever ran it named; of a path, what a library, a known program or a format calls it is left."""
    return _NAMED.sub(_left, line) if _MAY_BE_NAMED.search(line) is not None else line


def _left(found: re.Match[str]) -> str:
    if found["gone"] is not None:
        return " "
    named = found[0]
    if found["path"] is not None and _is_word(named):
        return named
    return public_part(named) or "".join(_ENDING.findall(named)) or " "


def _is_word(named: str) -> bool:
    """Whether it is a name on a hub, or two words with a stroke between them: `org/model`, `cpu/disk`."""
    return named.count("/") == 1 and "\\" not in named and named[0].isalnum() and _ENDING.search(named) is None


def public_part(path: str) -> str:
    """From the folder on that a library or a known program is called by, `torch/nn/modules/module.py`; empty where there is none."""
    parts = re.split(r"[\\/]+", path)
    installed = max((number for number, each in enumerate(parts[:-1]) if each in _INSTALLED), default=-1)
    if installed >= 0:
        return "/".join(parts[installed:])
    for number, each in enumerate(parts[:-1]):
        if re.sub(r"-(?:main|master)$", "", each.lower()) in _KNOWN:
            return "/".join(parts[number:])
        if each.lower() == "lib" and re.match(r"python3", parts[number + 1]):
            return "/".join(parts[number + 2 :])
    return parts[-1] if _CONVENTIONAL.fullmatch(parts[-1]) else ""


def without_own_places(failure: Failure) -> Failure:
    """The failure as it would be whoever met it: the files of one's own code are not told apart, and the message names none."""
    frames = tuple(replace(each, file=public_part(each.file)) for each in failure.frames)
    message = "\n".join(map(without_own_names, failure.message.split("\n")))
    return replace(failure, frames=frames, message=message)
