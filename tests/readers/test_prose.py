"""What running text says of versions, and what it only mentions."""

from __future__ import annotations

import pytest

from tests.environments import reading_of, stated, versions


def said(text: str) -> dict[str, str | None]:
    reading = reading_of(text)
    found = {name: each.statement.value for name, each in reading.packages.items() if each.statement.value is not None}
    return found | ({"python": reading.facts["python.version"].statement.value} if "python.version" in reading.facts else {})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("transformers 4.46.3, torch 2.4.1+cu118", {"transformers": "4.46.3", "torch": "2.4.1+cu118"}),
        ("transformers==4.46.3", {"transformers": "4.46.3"}),
        ("transformers==4.46.3 (with 4.47 it is the same)", {"transformers": "4.46.3"}),
        ("torch version: 2.1", {"torch": "2.1"}),
        ("I'm on transformers v4.51", {"transformers": "4.51"}),
        ("I am using PyTorch 2.6.0 and HF transformers (4.49.0).", {"torch": "2.6.0", "transformers": "4.49.0"}),
        ("It fails with torch 2.1 on my laptop.", {"torch": "2.1"}),
        ("- `sentence-transformers==4.1.0`", {"sentence-transformers": "4.1.0"}),
        ("- Python 3.11", {"python": "3.11"}),
        ("sentence_transformers 3.0.1", {"sentence-transformers": "3.0.1"}),
        ("torch\uff1a2.6.0+cu118", {"torch": "2.6.0+cu118"}),
        ("**transformers**: 4.47.1", {"transformers": "4.47.1"}),
        ("[INFO] transformers version 4.46.3", {"transformers": "4.46.3"}),
        ("Loading model ... (transformers 4.45.2)", {"transformers": "4.45.2"}),
        ("==((====))==  Unsloth 2025.8.1: Fast Llama patching. Transformers: 4.54.0.", {"transformers": "4.54.0"}),
        ("O^O/ \\_/ \\    Torch: 2.6.0+cu124. CUDA: 8.0. CUDA Toolkit: 12.4.", {"torch": "2.6.0+cu124"}),
        ("import transformers;  print(transformers.__version__) # 5.1.0", {"transformers": "5.1.0"}),
        (">>> torch.__version__\n'2.1.0+cu121'", {"torch": "2.1.0+cu121"}),
        ("In [3]: transformers.__version__\nOut[3]: '4.46.3'", {"transformers": "4.46.3"}),
        ("INFO 05-16 config.py:54] PyTorch version 2.4.1 available.", {"torch": "2.4.1"}),
        ("Disabling PyTorch because PyTorch >= 2.4 is required but found 2.1.0", {"torch": "2.1.0"}),
        ("sentence-transformers 3.0 requires transformers<5, but you have transformers 5.0.0 which is incompatible.", {"transformers": "5.0.0"}),
        ("Transformers 4.37.0.dev0", {"transformers": "4.37.0.dev0"}),
        ("torch 2.1.0a0+git1234abc", {"torch": "2.1.0a0+git1234abc"}),
        ("transformers                  4.36.2", {"transformers": "4.36.2"}),
        ("PyTorch version 2.0.1, transformers version is 4.30.2", {"torch": "2.0.1", "transformers": "4.30.2"}),
        ("Python version: 3.9.16, 4 GPUs", {"python": "3.9.16"}),
        ("My versions: transformers=4.46.3 accelerate=1.0.1", {"transformers": "4.46.3", "accelerate": "1.0.1"}),
        ("| transformers | 4.46.3 |", {"transformers": "4.46.3"}),
        ('  File "/opt/conda/lib/python3.10/site-packages/torch/nn/modules/module.py", line 1, in _call', {"python": "3.10"}),
        ('  File "C:\\Users\\x\\AppData\\Local\\Programs\\Python\\Python310\\lib\\site-packages\\torch\\x.py", line 1', {"python": "3.10"}),
        ("/usr/local/lib/python3.11/dist-packages/transformers/models/auto/auto_factory.py in from_pretrained", {"python": "3.11"}),
        ("/home/u/site-packages/transformers-4.46.3-py3.10.egg/transformers/a.py", {"transformers": "4.46.3"}),
        ("The latest version I have is transformers 4.52.1", {"transformers": "4.52.1"}),
        ("when training with transformers 4.46.3 I get this", {"transformers": "4.46.3"}),
        ("Successfully installed accelerate-1.0.1 transformers-4.46.3", {"transformers": "4.46.3", "accelerate": "1.0.1"}),
        (
            "Requirement already satisfied: transformers in /usr/local/lib/python3.10/dist-packages (4.46.3)",
            {"transformers": "4.46.3", "python": "3.10"},
        ),
        ("Requirement already satisfied: torch>=1.10 in ./v/lib (from accelerate) (2.1.0)", {"torch": "2.1.0"}),
        ("Name: transformers\nVersion: 4.46.3\nSummary: x", {"transformers": "4.46.3"}),
    ],
)
def test_what_says_which_version_is_in_use(text: str, expected: dict[str, str]) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "transformers>=4.51",
        "upgrade to transformers 4.52",
        "fixed in transformers 4.50.0",
        "works with transformers 4.49",
        "since transformers 4.51",
        "tried transformers 4.46, 4.48",
        "pip install transformers==4.46.3",
        "!pip install -U transformers==4.46.3",
        '"transformers_version": "4.38.2",',
        "I upgraded transformers 4.45 -> 4.46",
        "This was introduced in transformers 4.48.0.",
        "requires torch 2.1",
        "transformers 4.46.3 works fine",
        "torch 2.1 or later",
        "torch 2.1+",
        "transformers 4.51.x",
        "Please use transformers 4.45.2",
        "If you have torch 2.1 then",
        "transformers 4.50.0 fixes this",
        "downgrading to accelerate 0.27.2 helps",
        "Downloading transformers-4.46.3-py3-none-any.whl (10 MB)",
        "The model was saved with transformers 4.38.2",
        "In PyTorch 2.6, we changed the default value of",
        "python3.11 train.py",
        "transformers 4.46.3, 4.47.0 and 4.48.0 all fail",
        "will be removed in transformers 5.0",
        "You need accelerate 0.26",
        "if torch.__version__ == '2.1.0':",
        "assert transformers.__version__ >= '4.40'",
        "Found existing installation: transformers 4.46.3",
        "Uninstalling transformers-4.46.3:",
        "torch 2.0.1 to 2.1.0",
        "transformers 4.45.0 is required",
        "see https://github.com/huggingface/transformers/releases/tag/v4.46.3",
        "built against torch 2.1.0",
        "Tested with torch 2.1",
        "https://pytorch.org/docs/2.1/",
        "transformers/4.46.3",
        "from transformers 4.46 on",
        "no issue before transformers 4.48.0",
    ],
)
def test_what_only_mentions_a_version(text: str) -> None:
    assert said(text) == {}


def test_a_path_gives_way_to_a_statement() -> None:
    text = '  File "/opt/lib/python3.10/site-packages/torch/x.py", line 1, in f\n- Python version: 3.11.7\n'
    here = stated(text)
    assert here.python.version == "3.11.7"
    assert ["python3.10" in each.reason or "3.10 (path, line 1)" in each.reason for each in here.unknown if each.fact == "python.version"] == [True]


def test_a_path_says_how_it_knows() -> None:
    here = stated("/opt/lib/python3.10/site-packages/torch/nn/modules/module.py:1501: in _call_impl\nI use transformers 4.46.3")
    assert (here.python.version, here.sources["python.version"]) == ("3.10", "path, line 1")
    assert versions(here) == {"transformers": "4.46.3"}


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("export FSDP_CPU_RAM_EFFICIENT_LOADING=1", "FSDP_CPU_RAM_EFFICIENT_LOADING", "1"),
        ("CUDA_VISIBLE_DEVICES=0,1 ACCELERATE_USE_FSDP=true python train.py", "ACCELERATE_USE_FSDP", "true"),
        ('os.environ["RANK"] = "0"', "RANK", "0"),
        ("WORLD_SIZE=2", "WORLD_SIZE", "2"),
    ],
)
def test_variables_that_change_loading_are_read(line: str, name: str, value: str) -> None:
    assert stated(line).variables[name] == value


def test_other_variables_are_not() -> None:
    assert stated("export HF_TOKEN=hf_abcdef\nSECRET=1 python x.py").variables == {}
