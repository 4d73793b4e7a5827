"""What is read of a program: by which words, and where."""

from __future__ import annotations

import json
from textwrap import dedent

import pytest

from doctor.facts.program import Program, may_follow
from doctor.hazards.scan import read_program

LOADER = "from transformers import AutoModelForCausalLM as AM\n"


def read(code: str, file: str = "train.py") -> Program:
    return read_program(dedent(code).encode(), file)


def uses(code: str) -> set[str]:
    """Every word, with the line it stands on and how sure it is where that is not certain."""
    return {
        f"{use.word} {use.place.line}{'' if use.place.sure == 'certain' else f' {use.place.sure}'}"
        for subject in read(code).subjects
        for use in subject.uses
    }


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("model = AM.from_pretrained('x', device_map='auto')", {"load 2", "device-map 2", "device-map-auto 2"}),
        ("model = AM.from_pretrained('x', device_map=None)", {"load 2"}),
        ("options = dict(device_map='auto')\nmodel = AM.from_pretrained('x', **options)", {"load 3", "device-map 3", "device-map-auto 3"}),
        (
            "options = {}\nif big:\n    options['device_map'] = 'auto'\nmodel = AM.from_pretrained('x', **options)",
            {"load 5", "device-map 5 likely", "device-map-auto 5 likely"},
        ),
        ("where = choose()\nmodel = AM.from_pretrained('x', device_map=where)", {"load 3", "device-map 3 likely", "device-map-auto 3 possible"}),
        ("AM.from_pretrained('x').to('cuda')", {"load 2", "move 2"}),
        ("import torch\nAM.from_pretrained('x').to(torch.float16)", {"load 3"}),
        ("AM.from_pretrained('x').to(dtype=kind)", {"load 2"}),
        ("def load(name):\n    return AM.from_pretrained(name)\nmodel = load('x').eval()\nmodel.cuda()", {"load 3", "move 5"}),
        (
            "class Server:\n    def __init__(self):\n        self.model = AM.from_pretrained('x')\n    def go(self):\n        self.model.to(device)",
            {"load 4", "move 6"},
        ),
        (
            "if a:\n    model = AM.from_pretrained('x')\nelse:\n    model = AM.from_pretrained('y')\nmodel.cuda()",
            {"load 3", "load 5", "move 6 likely"},
        ),
        ("model = None\ndef start():\n    global model\n    model = AM.from_pretrained('x')\ndef serve():\n    model.cuda()", {"load 5", "move 7"}),
        ("from transformers import AutoTokenizer\nAutoTokenizer.from_pretrained('x')", set()),
        ("from transformers import pipeline\np = pipeline('fill-mask', model=AM.from_pretrained('x'), device=0)", {"load 3", "pipeline-device 3"}),
        ("from transformers import Trainer\nTrainer(model=AM.from_pretrained('x'), args=args)", {"load 3", "trainer 3", "train 3"}),
        (
            "from accelerate import init_empty_weights\nwith init_empty_weights():\n    AM.from_pretrained('x')",
            {"load 4", "in-meta-context 4", "in-empty-context 4"},
        ),
        (
            "from accelerate import init_empty_weights\nwith init_empty_weights() if big else nothing():\n    AM.from_pretrained('x')",
            {"load 4", "in-meta-context 4 possible", "in-empty-context 4 possible"},
        ),
        ("import torch\nwith torch.device('meta'):\n    AM.from_pretrained('x')", {"load 4", "in-meta-context 4"}),
        (
            "from accelerate import init_empty_weights as empty\nwith empty():\n    model = AM.from_config(c)\nmodel.to_empty(device='cpu')",
            {"build-on-meta 4", "build-empty 4", "to-empty 5"},
        ),
        (
            "from accelerate import load_checkpoint_in_model as place\nmodel = AM.from_pretrained('x')\nplace(model, 'x', broadcast_from_rank0=True)",
            {"load 3", "load-checkpoint 4"},
        ),
    ],
)
def test_uses(code: str, words: set[str]) -> None:
    assert uses(LOADER + code) == words


@pytest.mark.parametrize(
    ("code", "together"),
    [
        ("if big:\n    dispatch_model(model)\nelse:\n    model.cuda()", False),
        ("if big:\n    dispatch_model(model)\nmodel.cuda()", True),
        ("try:\n    dispatch_model(model)\nexcept OSError:\n    model.cuda()", True),
        ("for each in range(2):\n    dispatch_model(model)\nmodel.cuda()", True),
        ("match big:\n    case 1: dispatch_model(model)\n    case 2: model.cuda()", False),
    ],
)
def test_what_no_run_does_together(code: str, together: bool) -> None:
    (subject,) = read(LOADER + "from accelerate import dispatch_model\nmodel = AM.from_pretrained('x')\n" + code).subjects
    assert may_follow([*subject.by("dispatch"), *subject.by("move")]) == together


def test_another_state_dict_of_the_same_name_is_another() -> None:
    code = "def {}():\n    model = AM.from_pretrained('x')\n    states = read()\n    model.load_state_dict(states, assign=True)\n"
    words = {use.word for subject in read(LOADER + code.format("a") + code.format("b")).subjects for use in subject.uses}
    assert "load-state-dict-assign" in words
    assert "load-state-dict-again" not in words


THREADED = """
from concurrent.futures import ThreadPoolExecutor
import asyncio, threading
lock = threading.Lock()
def load(name):
    return AM.from_pretrained(name)
def safely(name):
    with lock:
        return AM.from_pretrained(name)
"""


@pytest.mark.parametrize(
    ("code", "sure"),
    [
        ("with ThreadPoolExecutor() as pool:\n    list(pool.map(load, names))", "certain"),
        ("with ThreadPoolExecutor(max_workers=1) as pool:\n    list(pool.map(load, names))", None),
        ("with ThreadPoolExecutor() as pool:\n    list(pool.map(safely, names))", None),
        ("for name in names:\n    threading.Thread(target=load, args=(name,)).start()", "certain"),
        ("threading.Thread(target=load, args=('x',)).start()", "possible"),
        ("async def main():\n    await asyncio.gather(*[asyncio.to_thread(load, name) for name in names])", "certain"),
        ("from fastapi import FastAPI\napp = FastAPI()\n@app.get('/')\ndef route(name):\n    return load(name)", "likely"),
        ("from fastapi import FastAPI\napp = FastAPI()\n@app.get('/')\nasync def route(name):\n    return load(name)", None),
        ("import gradio as gr\ngr.Interface(fn=load, inputs='text', outputs='text').launch()", "possible"),
        ("import gradio as gr\nbutton = gr.Button()\nbutton.click(load, inputs=box)", "possible"),
        ("load('x')", None),
    ],
)
def test_loads_that_several_threads_come_to(code: str, sure: str | None) -> None:
    found = [use.place.sure for subject in read(LOADER + THREADED + code).subjects for use in subject.uses if use.word == "in-threads"]
    assert (found[0] if found else None) == sure


MODEL = """
import torch
from torch import nn
from transformers import PreTrainedModel
class Model(PreTrainedModel):
    def __init__(self, config):
        super().__init__(config)
        {line}
        self.post_init()
    def _init_weights(self, module):
        if hasattr(module, 'kept'):
            module.kept.copy_(1)
"""


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("self.rates = [x.item() for x in torch.linspace(0, 0.1, config.depth)]", "reads-linspace-in-init"),
        ("self.rates = [x.item() for x in torch.linspace(0, 0.1, config.depth, device='cpu')]", None),
        ("self.rates = numpy.linspace(0, 0.1, config.depth).tolist()", None),
        ("self.count = int(torch.arange(4).sum())", "reads-tensor-in-init"),
        ("self.inner.to('cuda')", "moves-part-in-init"),
        ("self.inner = nn.Linear(2, 2).cuda()", "moves-part-in-init"),
        ("self.inner = nn.Linear(2, 2).to(torch.bfloat16)", None),
        ("self.inner = AutoModel.from_pretrained('x')", "loads-model-in-init"),
        ("self.inner.load_state_dict(torch.load('x'))", "loads-state-dict-in-init"),
        ("self.scale = nn.Parameter(torch.ones(3))", "new-parameter"),
        ("self.kept = nn.Parameter(torch.ones(3))", None),
        ("self.register_buffer('mask', torch.ones(3), persistent=False)", "nonpersistent-buffer"),
        ("self.register_buffer('kept', torch.ones(3), persistent=False)", None),
        ("self.register_buffer('none', None, persistent=False)", None),
        ("self.head.weight = self.embedding.weight", "ties-in-init ties-in-init-alone"),
        ("self.rnn = nn.LSTM(8, 8)", "layer-not-drawn"),
        ("self.norm = nn.InstanceNorm1d(8, affine=True)", "layer-not-drawn"),
        ("self.norm = nn.InstanceNorm1d(8)", None),
        ("self.head = nn.Linear(8, 8)", None),
    ],
)
def test_rules_for_classes(line: str, word: str | None) -> None:
    (subject,) = read(MODEL.format(line=line)).subjects
    assert {use.word for use in subject.uses} == {"own-model", *(word or "").split()}


def test_a_layer_that_init_weights_knows_is_drawn() -> None:
    known = MODEL.replace("if hasattr(module, 'kept')", "if isinstance(module, nn.LSTM)").replace("module.kept.copy_(1)", "module.reset_parameters()")
    (subject,) = read(known.format(line="self.rnn = nn.LSTM(8, 8)")).subjects
    assert {use.word for use in subject.uses} == {"own-model"}


@pytest.mark.parametrize("method", ["tie_weights(self, **kwargs)", "other(self)"])
def test_a_tie_in_the_constructor_is_alone_where_nothing_else_says_so(method: str) -> None:
    code = MODEL.format(line="self.head.weight = self.embedding.weight") + f"    def {method}:\n        pass\n"
    (subject,) = read(code).subjects
    assert ("ties-in-init-alone" in {use.word for use in subject.uses}) == method.startswith("other")


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("if config.pretrained:\n            self.inner = AutoModel.from_pretrained('x')", {"loads-model-in-init": "likely"}),
        ("self.mask = nn.Buffer(torch.ones(3), persistent=False)", {"nonpersistent-buffer": "certain"}),
        ("self.kept = nn.Buffer(torch.ones(3), persistent=False)", {}),
        ("self.mask = nn.Buffer(torch.ones(3))", {"buffer": "certain"}),
    ],
)
def test_how_sure_a_rule_for_classes_is(line: str, found: dict[str, str]) -> None:
    (subject,) = read(MODEL.format(line=line)).subjects
    assert {use.word: use.place.sure for use in subject.uses if use.word != "own-model"} == found


OWN_LOADER = """
    @classmethod
    def from_pretrained(cls, name):
        return {made}
"""


@pytest.mark.parametrize(("made", "words"), [("cls(read(name))", set()), ("super().from_pretrained(name)", {"own-model", "no-post-init"})])
def test_a_class_with_a_loader_of_its_own_is_not_loaded_by_that_of_transformers(made: str, words: set[str]) -> None:
    code = MODEL.format(line="pass").replace("self.post_init()", "pass") + OWN_LOADER.format(made=made)
    assert {use.word for subject in read(code).subjects for use in subject.uses} == words


UNPREPARED = """
from transformers import PreTrainedModel
from ..llama.modeling_llama import LlamaPreTrainedModel
{before}
class Model(PreTrainedModel):
    def __init__(self, config{parameters}):
        super().__init__(config)
        {line}
"""


@pytest.mark.parametrize(
    ("before", "parameters", "line", "sure"),
    [
        ("", "", "pass", "certain"),
        ("", "", "self.all_tied_weights_keys = {}", None),
        ("", ", tower, head", "pass", "possible"),
        ("", ", tower=None, *, head=None", "pass", "certain"),
        ("", "", "self.post_init()", None),
        ("from ...modeling_utils import PreTrainedModel", "", "pass", "certain"),
    ],
)
def test_which_classes_need_post_init(before: str, parameters: str, line: str, sure: str | None) -> None:
    found = [
        use.place.sure
        for subject in read(UNPREPARED.format(before=before, parameters=parameters, line=line)).subjects
        for use in subject.uses
        if use.word == "no-post-init"
    ]
    assert (found[0] if found else None) == sure


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ("_tied_weights_keys = ['head.weight']", {"tied-keys-list"}),
        ("_tied_weights_keys = None", set()),
        ("_tied_weights_keys = {'head.weight': 'words.weight'}", set()),
        ("def tie_weights(self): self.head.weight = self.words.weight", {"own-tie-weights"}),
        ("def tie_weights(self, missing_keys=None, recompute_mapping=True): pass", set()),
        ("def tie_weights(self, *args, **kwargs): pass", set()),
        ("def tie_weights(self): raise AttributeError('Not needed')", set()),
        ("def get_output_embeddings(self): return self.head", {"ties-by-accessor"}),
        ("def get_output_embeddings(self): return None", set()),
        ("_tied_weights_keys = {}\n    def get_output_embeddings(self): return self.head", set()),
    ],
)
def test_how_a_class_says_what_is_tied(members: str, words: set[str]) -> None:
    code = f"from ...modeling_utils import PreTrainedModel\nclass Base(PreTrainedModel):\n    pass\nclass Model(Base):\n    {members}\n"
    assert {use.word for subject in read(code).subjects if subject.name == "Model" for use in subject.uses} - {"own-model"} == words


@pytest.mark.parametrize(
    ("method", "word"),
    [
        ("@classmethod\n    def get_init_context(cls, is_quantized, _is_ds_init_called): pass", "own-init-context"),
        ("@classmethod\n    def get_init_context(cls, dtype, is_quantized, _is_ds_init_called): pass", "own-init-context"),
        ("@classmethod\n    def get_init_context(cls, dtype, quantized, called, kernels): return super().get_init_context(dtype)", None),
        ("@classmethod\n    def get_init_context(cls, dtype, *others): return super().get_init_context(dtype, *others)", None),
        ("@classmethod\n    def get_init_context(cls, *others): return []", "silenced-hook"),
        ("def _initialize_missing_keys(self, loaded_keys, ignore_mismatched_sizes, is_quantized): pass", "own-missing-keys"),
        ("def _initialize_missing_keys(self, missing_keys, is_quantized): pass", "own-missing-keys"),
        ("def _initialize_missing_keys(self, missing_keys, is_quantized=False): super()._initialize_missing_keys(missing_keys)", None),
        ("def _initialize_missing_keys(self, is_quantized): PreTrainedModel._initialize_missing_keys(self, is_quantized)", None),
        ("def _initialize_missing_keys(self, *arguments): pass", "silenced-hook"),
    ],
)
def test_what_the_loader_calls_has_to_take_what_it_is_given(method: str, word: str | None) -> None:
    code = f"from transformers import PreTrainedModel\nclass Model(PreTrainedModel):\n    {method}\n"
    (subject,) = read(code).subjects
    assert {use.word for use in subject.uses} - {"own-model"} == ({word} if word else set())


def test_a_layer_and_a_part_are_not_loaded_by_themselves() -> None:
    code = UNPREPARED.format(before="", parameters="", line="self.part, self.layers = TextModel(config), [Block(config)]")
    for name in ("TextModel", "Block"):
        code += f"class {name}(PreTrainedModel):\n    def __init__(self, config):\n        super().__init__(config)\n"
    code += "class Generated(LlamaPreTrainedModel):\n    def __init__(self, config):\n        super().__init__(config)\n"
    code += "def test():\n    class Inner(PreTrainedModel):\n        def __init__(self, config):\n            super().__init__(config)\ntest()\n"
    assert {subject.name: use.place.sure for subject in read(code).subjects for use in subject.uses if use.word == "no-post-init"} == {
        "Model": "certain",
        "TextModel": "likely",
        "Inner": "likely",
    }


@pytest.mark.parametrize("base", ["diffusers.ModelMixin", "SomeDiffusionModelMixin"])
def test_a_model_of_diffusers_is_not_loaded_by_transformers(base: str) -> None:
    code = f"import diffusers\nfrom x import SomeDiffusionModelMixin\nclass Model({base}):\n    def __init__(self, config):\n        self.a = 1\n"
    assert read(code + "        # from_pretrained\n").subjects == ()


def test_a_torch_module_built_on_meta_does_what_its_constructor_does() -> None:
    code = """
        import torch
        class Net(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.register_buffer("mask", torch.ones(3), persistent=False)
        with torch.device("meta"):
            net = Net()
    """
    assert {"build-on-device", "nonpersistent-buffer"} <= {use.word for use in read(code).subjects[0].uses}


def test_a_constructor_that_does_not_end_with_post_init() -> None:
    code = MODEL.format(line="pass").replace("self.post_init()", "pass")
    assert [use.word for use in read(code).subjects[0].uses] == ["own-model", "no-post-init"]


def test_what_is_no_python_is_left_out_and_said() -> None:
    program = read(LOADER + "print 'two'\nmodel = AM.from_pretrained('x')\nmodel.cuda()\n")
    assert [(each.file, each.line) for each in program.unread] == [("train.py", 2)]
    assert [use.word for use in program.subjects[0].uses] == ["load", "move"]


@pytest.mark.parametrize("content", [b"\0from_pretrained", b"from_pretrained(" + b"(" * 5000, b"from_pretrained" + b"[" * 100_000])
def test_what_cannot_be_read_at_all_is_said(content: bytes) -> None:
    program = read_program(content, "x.py")
    assert program.unread
    assert program.subjects == ()


def test_a_deep_source_is_survived() -> None:
    code = "from_pretrained\n" + "".join(f"{' ' * depth}if x:\n" for depth in range(90)) + " " * 90 + "pass\n"
    assert read(code + "x = " + "-" * 5000 + "1\n").files == 1


def test_a_notebook_is_read_cell_by_cell() -> None:
    cells = '{"cells": [{"cell_type": "code", "source": ["%pip install x\\n", "import transformers"]}, {"cell_type": "markdown", "source": ["x"]},'
    cells += '{"cell_type": "code", "source": "m = transformers.AutoModel.from_pretrained(1)\\nm.cuda()"}]}'
    (subject,) = read_program(cells.encode(), "a.ipynb").subjects
    assert [(use.place.file, use.place.line) for use in subject.uses if use.word == "move"] == [("a.ipynb[3]", 2)]


def test_magics_and_shell_lines_of_a_cell_are_no_python() -> None:
    lines = [
        "!pip install \\", "  torch \\", "  transformers", "files = !ls", "model?", "%%time", "from transformers import AutoModel",
        "print('%s'", "  % 1)", "m = AutoModel.from_pretrained('x')", "m.cuda()",
    ]  # fmt: skip
    notebook = {"cells": [{"cell_type": "code", "source": "\n".join(lines)}]}
    program = read_program(json.dumps(notebook).encode(), "a.ipynb")
    assert program.unread == ()
    assert program.subjects[0].by("move")[0].place.line == 11


def test_a_statement_that_is_nested_too_deeply_is_left_out_alone() -> None:
    program = read(LOADER + "model = AM.from_pretrained('x')\ny = x" + ".a" * 800 + "\nmodel.cuda()\n")
    assert [(each.line, each.reason) for each in program.unread] == [(3, "nested too deeply to be followed")]
    assert [use.word for use in program.subjects[0].uses] == ["load", "move"]


def test_code_in_a_text_is_read() -> None:
    text = "I did:\n```python\nfrom transformers import AutoModel\n>>> m = AutoModel.from_pretrained('x')\nm.cuda()\n```\nand it failed\n"
    (subject,) = read_program(text.encode(), "issue.md").subjects
    assert [(use.place.line, use.place.source) for use in subject.uses if use.word == "move"] == [(5, "m.cuda()")]


def test_variables_of_scripts() -> None:
    script = "#!/bin/sh\nexport ACCELERATE_INIT_INCLUDE_BUFFERS=1\n# WORLD_SIZE=9\ntorchrun --nproc_per_node=4 train.py\n"
    variables = read_program(script.encode(), "run.sh").variables
    assert [(each.name, each.value, each.place.line) for each in variables] == [
        ("ACCELERATE_INIT_INCLUDE_BUFFERS", "1", 2),
        ("WORLD_SIZE", "4", 4),
    ]


def test_variables_of_accelerates_configuration() -> None:
    yaml = "distributed_type: FSDP\nfsdp_config:\n  fsdp_version: 2\n  fsdp_cpu_ram_efficient_loading: true\nnum_processes: 8\n"
    variables = read_program(yaml.encode(), "fsdp.yaml").variables
    assert {each.name: (each.value, each.place.line) for each in variables} == {
        "WORLD_SIZE": ("8", 5),
        "ACCELERATE_USE_FSDP": ("true", 1),
        "FSDP_VERSION": ("2", 3),
        "FSDP_CPU_RAM_EFFICIENT_LOADING": ("true", 4),
    }
    assert read_program(b"a: 1\nnum_processes: 3\n", "other.yaml").variables == ()


def test_every_session_of_streamlit_runs_the_script() -> None:
    code = "import streamlit as st\nfrom transformers import BertModel\n{}BertModel.from_pretrained('x')\n"
    bare = read(code.format(""))
    assert [use.word for use in bare.subjects[0].uses] == ["load", "in-threads"]
    cached = read(code.format("@st.cache_resource\ndef load():\n    return ") + "model = load()\n")
    assert [use.word for use in cached.subjects[0].uses] == ["load"]


def test_what_a_program_wrote_is_not_parsed() -> None:
    program = read("from_pretrained\n" + "x = [1, 2, 3]\n" * 200_000)
    assert [each.reason for each in program.unread] == ["more than 2 MiB of code: not read"]


@pytest.mark.parametrize(
    "call",
    [
        "subprocess.run(['accelerate', 'launch', '--use_fsdp', '--num_processes', '4', 'train.py'], check=True)",
        "os.system('accelerate launch --use_fsdp --num_processes 4 train.py')",
    ],
)
def test_a_launcher_that_the_program_starts_sets_variables(call: str) -> None:
    variables = read(f"import os, subprocess\n{call}  # accelerate\n").variables
    assert {(each.name, each.value, each.place.line) for each in variables} == {("WORLD_SIZE", "4", 2), ("ACCELERATE_USE_FSDP", "true", 2)}


def test_a_constructor_too_deep_to_be_looked_at_is_said() -> None:
    deep = MODEL.format(line="self.x = y" + ".a()" * 900)
    program = read(deep)
    assert [(each.line, each.reason) for each in program.unread][-1] == (0, "its classes are nested too deeply to be looked at")


def test_classes_come_in_the_order_of_the_code() -> None:
    parts = "".join(f"class Part{number}(nn.Module):\n    pass\n" for number in range(30))
    code = MODEL.format(line="; ".join(f"self.p{number} = Part{number}()" for number in range(30))) + parts
    names = [subject.name for subject in read(code).subjects]
    assert names == ["Model", *(f"Part{number}" for number in range(30))]
