"""The line of the user's own code, and the edit to make at it."""

from __future__ import annotations

import pytest

from doctor.explain.places import edit_at, own_frame, short_place
from doctor.explain.text import explain_lines
from doctor.facts.symptom import Frame
from doctor.knowledge.cause import Edit
from doctor.knowledge.matrix_file import builtin_matrix

MATRIX = builtin_matrix()
CAUSES = {cause.name: cause for cause in MATRIX.causes}
SERVE = "/srv/app/serve.py"
LIBRARY = (
    "/opt/venv/lib/python3.11/site-packages/torch/nn/modules/module.py",
    "/usr/lib/python3/dist-packages/transformers/modeling_utils.py",
    "C:/Python311/Lib/threading.py",
    "/usr/lib/python3.11/concurrent/futures/thread.py",
    "/root/.cache/huggingface/modules/transformers_modules/acme/modeling_acme.py",
    "/home/ann/.local/bin/torchrun",
    "<frozen runpy>",
    "/workspace/transformers/src/transformers/trainer.py",
    "src/transformers/trainer.py",
    "transformers/trainer.py",
    "/opt/pytorch/torch/nn/modules/module.py",
    "/home/ann/vllm/vllm/engine/core.py",
    ".../torch/nn/modules/module.py",
    "../transformers/modeling_utils.py",
    "modeling_utils.py",
    "",
)
OWN = (
    SERVE,
    "serve.py",
    "trainer.py",
    "src/modeling_utils.py",
    "./src/serve.py",
    "C:/Users/ann/project/serve.py",
    "/home/ann/transformers/examples/pytorch/run_clm.py",
    "/workspace/LLaMA-Factory/src/llamafactory/train.py",
    "/content/bin/serve.py",
    "<stdin>",
    "<ipython-input-3-abc>",
    "<notebook>",
    "/tmp/ipykernel_12/99.py",
)


@pytest.mark.parametrize("file", OWN)
def test_what_is_the_user_s_own(file: str) -> None:
    frames = (Frame(file, 3, "f"), *(Frame(each, 1, "g") for each in LIBRARY))
    assert own_frame(frames) == frames[0]


@pytest.mark.parametrize("file", LIBRARY)
def test_what_is_a_library_s(file: str) -> None:
    assert own_frame((Frame(file, 3, "f"),)) is None


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (Frame(SERVE, 14, "f"), "serve.py:14"),
        (Frame("serve.py", None, None), "serve.py"),
        (Frame("<ipython-input-3>", 2, "<module>"), "line 2 of the cell"),
        (Frame("/tmp/ipykernel_12/99.py", None, "<module>"), "the cell"),
    ],
)
def test_a_place_in_short(frame: Frame, said: str) -> None:
    assert short_place(frame) == said


@pytest.mark.parametrize(
    ("code", "call"),
    [
        ("model.to(device)", ".to(device)"),
        ('model = AutoModel.from_pretrained("x").to("cuda", dtype=torch.float16).eval()', '.to("cuda", dtype=torch.float16)'),
        ("self.model.to(torch.device(f(0)))", ".to(torch.device(f(0)))"),
        ("model.TO(device)", ".TO(device)"),
        ("model.to(", ".to(...)"),
        ("model.to(device=first_of(", ".to(...)"),
        (f"model.to({'x' * 200})", ".to(...)"),
    ],
)
def test_the_call_of_a_source_line(code: str, call: str) -> None:
    edits = (Edit("delete `{call}` at {place}", line=r"\.to\("),)
    assert edit_at(edits, Frame(SERVE, 14, "f", code)) == f"Delete `{call}` at serve.py:14"


def test_the_first_edit_that_can_be_filled_in_is_the_one() -> None:
    edits = (Edit("delete {call}", line=r"\.to\("), Edit("look at {place}"))
    assert edit_at(edits, Frame(SERVE, 14, "f", "x = 1")) == "Look at serve.py:14"
    assert edit_at(edits, Frame(SERVE, 14, "f")) == "Look at serve.py:14"
    assert edit_at(edits[:1], Frame(SERVE, 14, "f")) is None
    assert edit_at(edits, None) is None


@pytest.mark.parametrize(
    ("cause", "code", "said"),
    [
        ("offload-then-move", "model.to(device)", 'Delete `.to(device)` at serve.py:14, or load the model whole: device_map={"": "cpu"}'),
        ("offload-then-move", "model = model.cuda()", "Delete `.cuda()` at serve.py:14"),
        ("offload-then-move", "trainer = Trainer(model=model)", "Give `Trainer(model=model)` at serve.py:14 a model that is whole"),
        ("offload-then-move", "trainer = SFTTrainer(", "Give `SFTTrainer(...)` at serve.py:14"),
        ("offload-then-move", 'pipe = pipeline("text-generation", model=model, device=0)', "At serve.py:14 leave `device=` out of `pipeline("),
        (
            "adapter-after-offload",
            "model = PeftModel.from_pretrained(base, path)",
            "Before `PeftModel.from_pretrained(base, path)` at serve.py:14, load the",
        ),
        ("offload-then-move", "x = compute()", None),
        ("thread-race", 'model = AutoModel.from_pretrained("x")', 'Hold one process-wide lock round `from_pretrained("x")` at serve.py:14'),
        ("thread-race", None, "Hold one process-wide lock round every model load, the one below serve.py:14"),
        ("convert-save-offloaded", "model = model.merge_and_unload()", "Before `.merge_and_unload()` at serve.py:14"),
        ("convert-save-offloaded", "model.save_pretrained(out)", "Before `save_pretrained(out)` at serve.py:14"),
        ("explicit-meta", 'model = AutoModel.from_pretrained("x")', 'Take `.from_pretrained("x")` at serve.py:14 out of torch.device("meta")'),
        ("wrong-checkpoint", "vae.to(device)", "Before `.to(device)` at serve.py:14, print the names left without data"),
        ("convert-save-offloaded", "model.quantize(tokenizer)", "Before `.quantize(tokenizer)` at serve.py:14, load the whole model"),
        ("zero3-init", 'model = AutoModel.from_pretrained("x")', 'Leave quantization, device_map and empty_init out of `.from_pretrained("x")`'),
    ],
)
def test_the_edits_of_the_built_in_causes(cause: str, code: str | None, said: str | None) -> None:
    edit = edit_at(CAUSES[cause].edits, Frame(SERVE, 14, "load", code))
    assert (edit or "").startswith(said or "") and (edit is None) == (said is None)


def test_no_edit_advises_what_destroys_weights() -> None:
    """to_empty() is right only where a model is built without weights on purpose: there it is said when."""
    for cause in MATRIX.causes:
        assert cause.name == "meta-init-incomplete" or all("to_empty" not in edit.says for edit in cause.edits)


def test_a_traceback_s_own_line_is_the_place() -> None:
    text = f"""\
Some parameters are on the meta device because they were offloaded to the cpu.
Traceback (most recent call last):
  File "{SERVE}", line 31, in <module>
    main()
  File "{SERVE}", line 14, in load
    model.to(device)
  File "/opt/venv/lib/python3.11/site-packages/torch/nn/modules/module.py", line 1, in convert
    raise NotImplementedError(
NotImplementedError: Cannot copy out of meta tensor; no data!"""
    (failure,) = explain_lines(text.split("\n"), MATRIX).failures
    assert failure.place == Frame(SERVE, 14, "load", "model.to(device)")
    assert failure.causes[0].edit == 'Delete `.to(device)` at serve.py:14, or load the model whole: device_map={"": "cpu"} (or {"": 0})'
