"""Mechanical changes, as a diff."""

from __future__ import annotations

import ast
import subprocess
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest

from doctor.hazards.scan import read_program
from doctor.hazards.suggestions import suggested_diff

LOAD = "from transformers import AutoModel\n\n\n"
MODEL = """\
import torch
from torch import nn
from transformers import PreTrainedModel


class Mask(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.size = size
        self.register_buffer("mask", torch.ones(self.size), persistent=False)
        self.rates = [x.item() for x in torch.linspace(0, 1, 4)]


class Model(PreTrainedModel):
    def __init__(self, config):
        super().__init__(config)
        self.mask = Mask(4)
        self.post_init()
"""


def changed(source: str, word: str, folder: Path) -> str:
    """The source with what is suggested for the uses by a word, as `patch` makes it."""
    uses = [use for subject in read_program(source.encode(), "x.py").subjects for use in subject.uses if use.word == word]
    diff = suggested_diff(source, "x.py", [replace(use.place, use=word) for use in uses])
    (folder / "x.py").write_text(source)
    if diff:
        subprocess.run(["patch", "-p1", "--quiet"], input=diff, text=True, check=True, cwd=folder)
    text = (folder / "x.py").read_text()
    ast.parse(text)
    return text


@pytest.mark.parametrize(
    ("before", "word", "after"),
    [
        ("model = AutoModel.from_pretrained('x')\nmodel.to('cuda')\nprint(1)\n", "move", "model = AutoModel.from_pretrained('x')\nprint(1)\n"),
        ("model = AutoModel.from_pretrained('x').to('cuda').eval()\n", "move", "model = AutoModel.from_pretrained('x').eval()\n"),
        (
            "model = AutoModel.from_pretrained('é')\nif gpu:\n    model.cuda()\n",
            "move",
            "model = AutoModel.from_pretrained('é')\nif gpu:\n    pass\n",
        ),
        ("if x: AutoModel.from_pretrained('x').to('cuda')\n", "move", "if x: AutoModel.from_pretrained('x')\n"),
    ],
)
def test_a_move_is_dropped(before: str, word: str, after: str, tmp_path: Path) -> None:
    assert changed(LOAD + before, word, tmp_path) == LOAD + after


def test_a_device_that_would_be_refused_is_left_out(tmp_path: Path) -> None:
    source = "from transformers import AutoModel, pipeline\nm = AutoModel.from_pretrained('x')\np = pipeline('fill-mask', model=m, device=0)\n"
    assert changed(source, "pipeline-device", tmp_path).endswith("p = pipeline('fill-mask', model=m)\n")


def test_a_load_is_put_under_a_lock(tmp_path: Path) -> None:
    source = dedent("""\
        from concurrent.futures import ThreadPoolExecutor
        from transformers import AutoModel


        def load(name):
            return AutoModel.from_pretrained(
                name,
            )


        with ThreadPoolExecutor() as pool:
            models = list(pool.map(load, names))
        """)
    after = changed(source, "in-threads", tmp_path)
    assert "import threading\n\nmodel_loading = threading.Lock()\n" in after
    assert "    with model_loading:\n        return AutoModel.from_pretrained(\n            name,\n        )\n" in after
    assert not [use for subject in read_program(after.encode(), "x.py").subjects for use in subject.uses if use.word == "in-threads"]


def test_linspace_stays_on_the_cpu(tmp_path: Path) -> None:
    assert 'torch.linspace(0, 1, 4, device="cpu")' in changed(MODEL, "reads-linspace-in-init", tmp_path)


def test_a_buffer_is_computed_again(tmp_path: Path) -> None:
    after = changed(MODEL, "nonpersistent-buffer", tmp_path)
    assert "        if isinstance(module, Mask):\n            module.mask.copy_(torch.ones(module.size))\n" in after
    assert not [use for subject in read_program(after.encode(), "x.py").subjects for use in subject.uses if use.word == "nonpersistent-buffer"]


def test_a_buffer_of_what_only_the_constructor_knows_is_left(tmp_path: Path) -> None:
    source = MODEL.replace("torch.ones(self.size)", "torch.ones(size)")
    assert changed(source, "nonpersistent-buffer", tmp_path) == source
