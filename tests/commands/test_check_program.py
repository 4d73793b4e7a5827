"""`doctor check PROGRAM`: which known problems a program walks into, and where."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sarif_pydantic import Sarif

from tests.conftest import Doctor

THREADED = """\
from concurrent.futures import ThreadPoolExecutor
from transformers import AutoModelForCausalLM

def load(name):
    return AutoModelForCausalLM.from_pretrained(name)

with ThreadPoolExecutor(4) as pool:
    models = list(pool.map(load, ["a", "b"]))
"""
PLAIN = "from transformers import AutoModelForCausalLM\n\nmodel = AutoModelForCausalLM.from_pretrained('a')\nmodel.cuda()\n"
OFFLOADED = "from transformers import AutoModel\nmodel = AutoModel.from_pretrained('a', device_map='auto')\nmodel.cuda()\n"

Check = Callable[..., Any]


def concerns(report: Any) -> dict[str, str]:
    return {each["id"]: each["concerns"] for each in report["findings"] if each["concerns"] != "exposure"}


def test_a_program_that_sets_a_problem_off(check: Check, middle_stack: Path, tmp_path: Path) -> None:
    (tmp_path / "serve.py").write_text(THREADED)
    report = check("serve.py", "--python", middle_stack, "--no-live")
    assert concerns(report) == {"MT002": "program"}
    (finding,) = [each for each in report["findings"] if each["id"] == "MT002"]
    source = "return AutoModelForCausalLM.from_pretrained(name)"
    assert finding["places"] == [{"file": "serve.py", "line": 5, "column": 12, "source": source, "sure": "certain", "offset": 7, "use": "in-threads"}]
    assert (report["exit_code"], report["verdict"]["outcome"]) == (1, "problem")


def test_a_program_that_sets_none_off(check: Check, middle_stack: Path, tmp_path: Path) -> None:
    (tmp_path / "serve.py").write_text(PLAIN)
    report = check("serve.py", "--python", middle_stack, "--no-live")
    assert report["exit_code"] == 0
    assert "program" not in concerns(report).values()


def test_what_the_code_does_not_say_is_asked(check: Check, doctor: Doctor, current_stack: Path, tmp_path: Path) -> None:
    (tmp_path / "serve.py").write_text(OFFLOADED)
    report = check("serve.py", "--python", current_stack, "--no-live")
    assert concerns(report)["MT072"] == "possible-use"
    assert report["exit_code"] == 0
    (finding,) = [each for each in report["findings"] if each["id"] == "MT072"]
    assert finding["missing"] == ["does all of the model fit, or is a part of it offloaded to the CPU or the disk?"]
    assert doctor("check", "serve.py", "--python", current_stack, "--no-live", "--strict").code == 1


def test_a_folder_with_what_cannot_be_read(doctor: Doctor, current_stack: Path, tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "good.py").write_text(PLAIN)
    (tmp_path / "app" / "bad.ipynb").write_text("{")
    ran = doctor("check", "app", "--python", current_stack, "--no-live")
    assert ran.code == 2
    assert ran.err == "doctor: app/bad.ipynb: not a notebook: its JSON is broken, or holds no cells\n"


@pytest.mark.parametrize(
    ("name", "message"),
    [("nothing.py", "nothing.py: no such file or folder"), ("empty", "empty: no Python in this folder")],
)
def test_a_name_that_is_none(doctor: Doctor, no_torch_stack: Path, tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "empty").mkdir()
    ran = doctor("check", name, "--python", no_torch_stack, "--no-live")
    assert (ran.code, ran.out, ran.err) == (2, "", f"doctor: {message}\n")


def test_a_variable_that_the_program_sets(check: Check, old_stack: Path, tmp_path: Path) -> None:
    code = "import os\nos.environ['ACCELERATE_INIT_INCLUDE_BUFFERS'] = '1'\n" + OFFLOADED
    (tmp_path / "serve.py").write_text(code)
    report = check("serve.py", "--python", old_stack, "--no-live")
    assert concerns(report)["MT032"] == "program"


def test_an_ignored_line_and_an_ignored_advisory(check: Check, middle_stack: Path, tmp_path: Path) -> None:
    ignoring = THREADED.replace("from_pretrained(name)", "from_pretrained(name)  # doctor: ignore[MT002] loads are rare")
    (tmp_path / "serve.py").write_text(ignoring)
    assert concerns(check("serve.py", "--python", middle_stack, "--no-live")) == {}
    (tmp_path / "serve.py").write_text(ignoring.replace("MT002", "MT003"))
    assert concerns(check("serve.py", "--python", middle_stack, "--no-live")) == {"MT002": "program"}
    report = check("serve.py", "--python", middle_stack, "--no-live", "--ignore", "MT002")
    assert (report["exit_code"], report["summary"]["waived"]) == (0, 1)


def test_exit_zero(doctor: Doctor, middle_stack: Path, tmp_path: Path) -> None:
    (tmp_path / "serve.py").write_text(THREADED)
    assert doctor("check", "serve.py", "--python", middle_stack, "--no-live", "--exit-zero").code == 0


@pytest.mark.skipif(sys.version_info < (3, 11), reason="tomllib came with Python 3.11")
def test_the_projects_own_settings(check: Check, doctor: Doctor, middle_stack: Path, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "serve.py").write_text(THREADED)
    (tmp_path / "src" / "old_serve.py").write_text(THREADED)
    table = '[tool.meta-tensor-doctor]\npaths = ["src"]\nexclude = ["old_*"]\n'
    (tmp_path / "pyproject.toml").write_text(table)
    report = check("--python", middle_stack, "--no-live")
    assert report["program"]["files"] == 1
    assert concerns(report) == {"MT002": "program"}
    (tmp_path / "pyproject.toml").write_text(table + 'ignore = ["MT002"]\n')
    assert check("--python", middle_stack, "--no-live")["exit_code"] == 0
    (tmp_path / "pyproject.toml").write_text(table + "ignore = 3\n")
    ran = doctor("check", "--python", middle_stack, "--no-live")
    assert (ran.code, ran.err) == (2, "doctor: pyproject.toml: tool.meta-tensor-doctor.ignore: expected a list, found '3'\n")


def test_sarif(doctor: Doctor, middle_stack: Path, tmp_path: Path) -> None:
    (tmp_path / "serve.py").write_text(THREADED + THREADED)
    (run,) = Sarif.model_validate_json(doctor("check", "serve.py", "--python", middle_stack, "--no-live", "--format", "sarif").out).runs
    assert [each.id for each in run.tool.driver.rules or []] == ["MT002"]
    results = run.results or []
    assert [each.locations[0].physical_location.region.start_line for each in results] == [5, 13]
    (tmp_path / "serve.py").write_text("\n\n" + THREADED + THREADED)
    (moved,) = Sarif.model_validate_json(doctor("check", "serve.py", "--python", middle_stack, "--no-live", "--format", "sarif").out).runs
    fingerprints = [each.partial_fingerprints for each in results]
    assert fingerprints == [each.partial_fingerprints for each in moved.results or []]
    assert len({str(each) for each in fingerprints}) == 2


def test_annotations(doctor: Doctor, middle_stack: Path, tmp_path: Path) -> None:
    (tmp_path / "a,b.py").write_text(THREADED)
    lines = doctor("check", "a,b.py", "--python", middle_stack, "--no-live", "--format", "github").out.splitlines()
    assert lines[0].startswith("::error file=a%2Cb.py,line=5,col=12,title=MT002 thread-race-init-empty-weights::Loading models")
    assert lines[1:] == ["1 known problem of these versions is met by this program."]


def test_a_module_is_found_and_not_imported(check: Check, middle_stack: Path, tmp_path: Path) -> None:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "serve.py").write_text(THREADED + "raise SystemExit('imported')\n")
    assert concerns(check("-m", "pkg.serve", "--python", middle_stack, "--no-live")) == {"MT002": "program"}


def test_standard_input(middle_stack: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "doctor", "check", "-", "--python", str(middle_stack), "--no-live", "--format", "github"]
    ran = subprocess.run(command, input=THREADED, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert "file=<stdin>,line=5" in ran.stdout


TIED = {"architectures": ["Qwen2ForCausalLM"], "tie_word_embeddings": True, "auto_map": {"AutoModel": "modeling_own.Own"}}
OWN = """\
from transformers import PreTrainedModel


class Own(PreTrainedModel):
    def __init__(self, config):
        super().__init__(config)
        self.inner.to("cuda")
        self.post_init()
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(TIED))
    (folder / "modeling_own.py").write_text(OWN)
    header = json.dumps({"model.embed_tokens.weight": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    return folder


def test_what_the_model_says_of_itself(check: Check, current_stack: Path, tmp_path: Path, model: Path) -> None:
    (tmp_path / "serve.py").write_text(THREADED)
    assert concerns(check("serve.py", "--python", current_stack, "--no-live")) == {"MT004": "possible-use"}
    shown = check("serve.py", "--model", model, "--python", current_stack, "--no-live")
    assert concerns(shown) == {"MT004": "program", "MT007": "program"}
    (moved,) = [each for each in shown["findings"] if each["id"] == "MT007"]
    assert [Path(each["file"]).name for each in moved["places"]] == ["modeling_own.py"]
    (model / "config.json").write_text(json.dumps({**TIED, "tie_word_embeddings": False, "auto_map": {}}))
    assert concerns(check("serve.py", "--model", model / "config.json", "--python", current_stack, "--no-live")) == {}


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("config.json", b"{", "not JSON, or cut short"),
        ("config.json", b"[" * 100_000, "not JSON, or cut short"),
        ("config.json", b"[]", "expected a JSON object"),
        ("config.json", None, "cannot be read"),
        ("model.safetensors", b"\xff" * 8, "its header would be 18446744073709551615 bytes long"),
        ("model.safetensors", b"\x08\0\0\0\0\0\0\0{", "not JSON, or cut short"),
    ],
)
def test_a_model_that_cannot_be_read(doctor: Doctor, no_torch_stack: Path, model: Path, file: str, content: bytes | None, message: str) -> None:
    (model / file).unlink()
    if content is not None:
        (model / file).write_bytes(content)
    ran = doctor("check", "--model", model, "--python", no_torch_stack, "--no-live")
    assert (ran.code, ran.out) == (2, "")
    (line,) = ran.err.splitlines()
    assert line.startswith(f"doctor: {model / file}: ")
    assert message in line


def test_where_the_model_goes_decides_what_moving_it_does(check: Check, old_stack: Path, tmp_path: Path) -> None:
    (tmp_path / "serve.py").write_text(OFFLOADED)
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 4096, "intermediate_size": 65536, "vocab_size": 100}
    found = {}
    for name, layers in (("small", 0), ("640-gigabytes", 400)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(json.dumps({**config, "num_hidden_layers": layers}))
        report = check("serve.py", "--model", name, "--python", old_stack, "--id", "MT072")
        (found[name],) = [(each["concerns"], each["missing"]) for each in report["findings"]]
    assert found == {"small": ("exposure", []), "640-gigabytes": ("program", [])}
