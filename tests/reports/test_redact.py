from __future__ import annotations

import random
import re
import string
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given, settings, strategies as st

from doctor.facts.environment import Requirement
from doctor.knowledge.matrix_file import builtin_matrix
from doctor.knowledge.schema import plain
from doctor.reports.private.kinds import MASKERS
from doctor.reports.private.masker import LABEL
from doctor.reports.redact import Masked, Private, Redactor, Screen
from tests.environments import environment
from tests.reports.planted import CONTEXTS, in_contexts, lines, planted, templates

LOGS = Path(__file__).with_name("planted_texts") / "logs"
ANN = Redactor(("/home/ann", "/data/homes/ann"), "ann", "bigbox")


def _gate(folders: tuple[str, ...] = (), packages: tuple[str, ...] = ()) -> Redactor:
    return Redactor(("/home/ann",), "ann", "bigbox", Private(folders=folders, packages=packages))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/home/ann/venv/bin/python", "~/venv/bin/python"),
        ("/home/ann", "~"),
        ("/home/anna/venv", "/home/<user-2>/venv"),
        ("/home/ann.old/venv", "/home/<user>.old/venv"),
        ("/data/homes/ann/x and /home/ann/y", "~/x and ~/y"),
        ("/scratch/ann/cache", "/scratch/<user>/cache"),
        ("file:///home/ann/src", "file://~/src"),
        ("/tmp/torchinductor_ann/x.py", "~tmp/torchinductor_<user>/x.py"),
        ("planning, annotations", "planning, annotations"),
        ("on bigbox: no such file", "on <host>: no such file"),
        ("https://ann:hunter2@example.org/index", "https://<credentials>@example.org/index"),
        ("4.50.0.dev0", "4.50.0.dev0"),
        ("\x1b[31mred\x07", "red�"),
        ("\x1b]0;title\x07", "�]0;title�"),
        ("safe\u202egpj.exe", "safe�gpj.exe"),
    ],
)
def test_what_is_private_is_masked_and_the_rest_stays(text: str, expected: str) -> None:
    assert ANN.text(text) == expected


@pytest.mark.parametrize(("user", "text"), [("root", "/usr/lib/root/x"), ("ubuntu", "ubuntu 22.04"), (None, "none"), ("torch", "torch 2.9")])
def test_names_that_many_machines_share_are_words_like_others(user: str | None, text: str) -> None:
    assert Redactor(("/nowhere",), user, "localhost").text(text) == text


def test_a_name_of_two_letters_is_masked_in_paths_only() -> None:
    assert Redactor((), "jo", None).text("jo: /scratch/jo/x") == "jo: /scratch/<user>/x"


@pytest.mark.parametrize(
    "text",
    [
        "2.6.0+cu124",
        "nvidia-cudnn-cu12 9.1.0.70",
        "nvidia_cublas_cu12-12.4.5.8-py3-none-manylinux2014_x86_64.whl",
        "[pip3] nvidia-nccl-cu12==2.21.5",
        "nvidia-cuda-nvrtc-cu12==12.4.127.1",
        "driver 550.54.14, CUDA runtime version: 12.4.127.1",
        '"version": "12.4.127.1"',
        "9.1.0.70",
        "libcudnn.so.9.1.0.70",
        "torch (>=2.1.0.1,<3)",
        "127.0.0.1:8000 and 0.0.0.0",
        "Process 3 at 12:34:56.789",
        "2026-11-22 10:30:45",
        "commit 0c654085fb6ab4312e84c904035190a4277596a1",
        "transformers @ git+https://github.com/huggingface/transformers@0c654085fb6ab4312e84c904035190a4277596a1",
        "git@github.com:huggingface/accelerate.git",
        "https://github.com/huggingface/transformers/issues/36579",
        "https://huggingface.co/docs?x=1",
        "http://localhost:8000/v1",
        "https://download.pytorch.org/whl/cpu",
        "KeyError: 'model.layers.0.self_attn.q_proj.weight'",
        'Missing key(s) in state_dict: "lm_head.weight", "model.embed_tokens.weight"',
        "NotImplementedError: Cannot copy out of meta tensor; no data!",
        'pad_token="<pad>", eos_token="</s>", unk_token: "[UNK]", mask_token=<mask>',
        "max_new_tokens=20 num_tokens=512 token_type_ids=[1]",
        "token = tokenizer.eos_token",
        "key = self.q_proj(x); scores = q@k.transpose(-2, -1)",
        "use_auth_token=None, token=True, api_key: Optional[str] = None",
        "std::vector<at::Tensor> c10::add at::native::copy_",
        "_ZN5torch8autograd12VariableHooks13requires_grad_ERKN2at10TensorBaseEb",
        "LlamaForCausalLM Qwen2_5_VLForConditionalGeneration TransformerEngineLayerNormLinear",
        "torch.nn.modules.module.Module._apply",
        'File "/usr/lib/python3.11/site-packages/transformers/modeling_utils.py", line 3000, in from_pretrained',
        "0000:3b:00.0 3D controller",
        "GPU 0 has a total capacity of 79.15 GiB of which 10.00 MiB is free",
        "basic functionality, bearer of bad news",
        "meta-llama/Llama-3.1-8B-Instruct",
        "models--meta-llama--Llama-3.1-8B/snapshots/0e9e39f249a16976918f6564b8830bc894c89659",
        "/usr/local/cuda-12.4/lib64 /opt/conda/bin",
        "passwords and secrets and tokens",
        "gpu-memory-utilization 0.9",
        "the keyboard: qwerty, hotkey: ctrl",
        "PWD=/usr/src",
        "design=good",
    ],
)
def test_what_maintainers_need_stays_readable(text: str) -> None:
    assert ANN.text(text) == text


def test_nothing_of_the_matrix_is_taken_for_a_secret() -> None:
    gate = Redactor(("/home/quentina",), "quentina", "tycho-lab")
    matrix = builtin_matrix()
    assert plain(gate.value(matrix.advisories)) == plain(matrix.advisories)
    assert gate.masked == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("File '/srv/acme-llm/src/acme_llm/x.py'", "File '<source>/src/<package>/x.py'"),
        ("git@git.corp.biz:team/secret.git", "git@<repository>"),
        ("https://nexus.corp.biz/simple/foo?x=1 at nexus.corp.biz", "https://<host-2>/... at <host-2>"),
        ("s3://acme-bucket/weights.bin", "s3://<bucket>/..."),
        ("{'HF_TOKEN': 'dummy'}", "{'HF_TOKEN': '<token>'}"),
        ('wandb.login(key="0123456789abcdef0123456789abcdef01234567")', 'wandb.login(key="<token>")'),
        ("GPU-5a1b2c3d-1111-2222-3333-444455556666", "<gpu>"),
        ("connect to 10.1.2.3:29500, then 10.1.2.4, then 10.1.2.3 again", "connect to <ip>:29500, then <ip-2>, then <ip> again"),
    ],
)
def test_the_label_says_what_stood_there(text: str, expected: str) -> None:
    assert _gate(folders=("/srv/acme-llm",), packages=("acme-llm",)).text(text) == expected


def test_the_same_value_is_masked_the_same_way_wherever_it_stands() -> None:
    gate = _gate()
    first, second, third = gate.value(("the answer to swordfish-77 is no", "password=swordfish-77", "TOKEN=other-value-1 swordfish-77"))
    assert first == "the answer to <token> is no"
    assert second == "password=<token>"
    assert third == "TOKEN=<token-2> <token>"


def test_a_secret_of_the_environment_is_masked_whatever_it_looks_like(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_API_KEY", "open sesame please")
    gate = Redactor.of_this_machine()
    assert gate.text("it said: open sesame please!") == "it said: <token>!"
    assert Masked("<token>", "open sesame please") in gate.masked


def test_nothing_in_the_built_in_matrix_is_masked_on_a_screen() -> None:
    """So that a screen may pass what a finding says in its advisory's words."""
    for advisory in builtin_matrix().advisories:
        for text in (advisory.id, advisory.slug, advisory.title, advisory.trigger, *advisory.references):
            assert Screen().text(text) == text


def test_a_known_secret_is_masked_in_trusted_words_too() -> None:
    screen = Screen(("open sesame",))
    screen.trust(["say open sesame"])
    assert screen.text("say open sesame") == "say <token>"


def test_at_the_machine_only_secrets_are_masked() -> None:
    shown = Screen(("open sesame",)).text
    for kept in ("/home/ann/x.py:3 on bigbox, 10.1.2.3, ann@corp.biz, /tmp/x, GPU-5a1b2c3d-1111-2222-3333-444455556666", "s3://acme/x"):
        assert shown(kept) == kept
    assert shown("open sesame, https://ci:pw@nexus.corp.biz/simple, \x1b[2J") == "<token>, https://<credentials>@nexus.corp.biz/simple, \ufffd[2J"
    assert shown("login(token='hf_abcdefghijklmnop1234')") == "login(token='<token-2>')"


def test_a_user_without_a_home_and_a_machine_without_temporary_folder_have_a_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise RuntimeError

    def nowhere() -> None:
        raise FileNotFoundError

    monkeypatch.setattr("pathlib.Path.home", none)
    monkeypatch.setattr("tempfile.gettempdir", nowhere)
    assert Redactor.of_this_machine().text("/home/somebody.else/x") == "/home/<user-2>/x"


def test_private_dependents_are_masked_unless_asked_for() -> None:
    here = replace(environment(torch="2.9"), requirements=(Requirement("acme-llm", "torch", ">=2"), Requirement("accelerate", "torch", ">=2")))
    assert [each.dependent for each in ANN.value(here).requirements] == ["<package>", "accelerate"]
    open_gate = Redactor(("/home/ann",), "ann", "bigbox", Private(folders=("/srv/acme",), packages=("acme-llm",)), keep_private=True)
    assert open_gate.value(here).requirements == here.requirements
    assert open_gate.text("/srv/acme/acme_llm/x.py /v/site-packages/acme_llm/y.py") == "/srv/acme/acme_llm/x.py /v/site-packages/acme_llm/y.py"


def test_everything_in_a_document_is_masked_and_nothing_else_changes() -> None:
    here = replace(environment(torch="2.9"), variables={"CUDA_VISIBLE_DEVICES": "0"})
    masked = ANN.value(here)
    assert masked.python.executable == "~/venv/bin/python"
    assert masked.disk.path == "~"
    assert masked.packages == here.packages
    assert masked.memory == here.memory
    assert here.disk.path == "/home/ann"


def _gate_of_quentina() -> Redactor:
    return Redactor(("/home/quentina",), "quentina", "tycho-lab")


# The promise

PROMISE = (Path(__file__).parents[2] / "docs" / "privacy.md").read_text("utf-8")
EXAMPLES = re.findall(r"^\| (.+) \| .+ \| `(.+)` \| `(.+)` \|$", PROMISE, re.MULTILINE)


@pytest.mark.parametrize(("labels", "example", "masked"), EXAMPLES)
def test_what_is_promised_is_kept(labels: str, example: str, masked: str) -> None:
    text = _gate_of_quentina().text(example)
    assert text == masked
    assert any(re.sub(r"-\d+>", ">", label) in labels for label in re.findall(r"<[a-z0-9-]+>|~tmp", text))


def test_what_is_masked_is_promised_and_nothing_more() -> None:
    promised = set(re.findall(r"`<([a-z-]+)>`", " ".join(labels for labels, _, _ in EXAMPLES)))
    assert promised == {each.kind for each in MASKERS} | {"credentials", "source", "host"}
    for number in (f"{len(templates())} kinds", f"{len(planted()):,} ways in {len(CONTEXTS)} contexts"):
        assert number in PROMISE.replace("\n", " ")


# Kinds that are planted, and what is harmless


def test_there_are_kinds_enough() -> None:
    assert len(templates()) >= 160
    assert len(planted()) >= 1800
    assert len(lines("harmless.txt")) >= 300


@pytest.mark.parametrize("turn", range(4))
def test_nothing_planted_gets_through(turn: int) -> None:
    """Every kind in every way it is told, with other values each turn; every context in one of the turns."""
    contexts = set(list(CONTEXTS)[turn::4]) | {"alone"}
    leaks = [(name, each.kind, each.text) for name, each in in_contexts(turn, contexts) if each.needle in _gate_of_quentina().text(each.text)]
    assert leaks == []


def test_nothing_planted_gets_through_in_the_midst_of_others() -> None:
    secrets = planted(7)
    random.Random(7).shuffle(secrets)
    masked = _gate_of_quentina().text("\n".join(each.text for each in secrets))
    assert [each for each in secrets if each.needle in masked] == []


def test_nothing_harmless_is_masked() -> None:
    contexts: tuple[Callable[[str], str], ...] = (str, "before\n{}\nafter".format, 'RuntimeError: "{}"'.format)
    texts = [context(text) for text in lines("harmless.txt") for context in contexts]
    assert [(text, masked) for text in texts if (masked := _gate_of_quentina().text(text)) != text] == []


def test_all_that_is_harmless_together_is_not_masked() -> None:
    text = "\n".join(lines("harmless.txt"))
    assert _gate_of_quentina().text(text).splitlines() == text.splitlines()


@pytest.mark.parametrize("file", sorted(LOGS.iterdir()), ids=lambda file: file.stem)
def test_nothing_private_of_a_log_gets_through(file: Path) -> None:
    """Each log says in its first line, after `private:`, what must not be found in it."""
    first, _, log = file.read_text("utf-8").partition("\n")
    private = first.removeprefix("private: ").split(", ")
    assert [each for each in private if each not in log] == []
    masked = _gate_of_quentina().text(log)
    assert [each for each in private if each in masked] == []


def test_a_surname_is_masked_wherever_it_stands() -> None:
    gate = Redactor(("C:\\Users\\Ada Exampleson",), "Ada Exampleson", "bigbox")
    assert gate.text(r"C:\Users\Ada Exampleson\x.py of exampleson") == r"~\x.py of <user>"


def test_the_domain_of_this_machine_is_masked() -> None:
    gate = Redactor((), "ann", "gpu17.cluster.acme-hpc.edu")
    assert gate.text("gpu17 and login.cluster.acme-hpc.edu, cluster.acme-hpc.edu") == "<host> and <host-4>, <host-2>"


@pytest.mark.parametrize("user", ["model", "torch"])
def test_a_user_called_like_a_word_is_masked_where_users_stand(user: str) -> None:
    gate = Redactor((f"/home/{user}",), user, "bigbox")
    text = f"/scratch/{user}/x.py {user}@login-7:~$ ls; USER={user}; the {user} of site-packages/torch/nn/model.py, /home/{user}/x"
    assert gate.text(text) == f"/scratch/<user>/x.py <user>@<host-2>:~$ ls; USER=<user>; the {user} of site-packages/torch/nn/model.py, ~/x"


_TEXT = st.text(st.sampled_from(string.ascii_letters + string.digits + " /\\.:@=-_'\"<>\n\t(){}[],;~"), max_size=120)


@settings(deadline=None)
@given(_TEXT, st.integers(0, 10_000), _TEXT)
def test_no_surroundings_keep_a_token_from_being_masked(before: str, seed: int, after: str) -> None:
    token = "hf_" + "".join(random.Random(seed).choice(string.ascii_letters + string.digits) for _ in range(34))
    assert token not in ANN.text(f"{before} {token} {after}")


def test_an_option_without_a_value_does_not_take_the_name_of_the_next_line_for_it() -> None:
    assert "account: " in _gate_of_quentina().text("--namespace\n\naccount: dubodida_nobarulo\n")


@settings(deadline=None)
@given(st.lists(_TEXT, max_size=3), st.integers(0, 10_000), st.lists(_TEXT, max_size=3))
def test_no_lines_around_it_keep_a_value_from_being_masked(before: list[str], seed: int, after: list[str]) -> None:
    secret = random.Random(seed).choice(planted(seed % 3))
    assert secret.needle not in _gate_of_quentina().text("\n".join([*before, "", secret.text, "", *after]))


@settings(deadline=None)
@given(_TEXT)
def test_masking_twice_is_masking_once(text: str) -> None:
    gate = Redactor(("/home/ann",), "ann", "bigbox")
    once = gate.text(text)
    assert gate.text(once) == once


@settings(deadline=None)
@given(st.lists(st.sampled_from(planted(3)), min_size=1, max_size=8))
def test_as_many_labels_as_there_are_values(secrets: list[object]) -> None:
    gate = Redactor(("/home/quentina",), "quentina", "tycho-lab")
    gate.value(tuple(str(getattr(each, "text", "")) for each in secrets))
    labels: dict[str, set[str]] = {}
    for masked in gate.masked:
        if LABEL.fullmatch(masked.label) and not masked.label.startswith(("<user", "<package")):
            labels.setdefault(masked.label, set()).add(masked.value)
    assert [values for values in labels.values() if len(values) > 1] == []


@given(
    st.from_regex(
        r"(0|[1-9][0-9]{0,3})(\.(0|[1-9][0-9]{0,3})){1,3}((a|b|rc)[0-9])?(\.(dev|post)[0-9]{1,3})?(\+(cpu|cu12[0-9]|g[0-9a-f]{7}))?", fullmatch=True
    )
)
def test_no_version_is_masked(version: str) -> None:
    """But one that, alone, is an address of a private network: nothing tells it from one."""
    assume(not re.fullmatch(r"(?:10|172|192)(?:\.\d{1,3}){3}", version))
    assert ANN.value((version, f"torch {version}", f"nvidia-cuda-runtime-cu12=={version}", f"version {version}")) == (
        version, f"torch {version}", f"nvidia-cuda-runtime-cu12=={version}", f"version {version}",
    )  # fmt: skip


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "a.",
        "a@",
        "1.",
        "::",
        "ab:",
        "aB3",
        "-----BEGIN PRIVATE KEY-----",
        "://",
        "https://a@",
        "/home/",
        "token=",
        'key="',
        "password: ",
        "a-",
        "\\",
        "eyJ",
        "hf_",
        "GPU-",
        "ip-1",
        "(",
        "serial ",
        "login x ",
    ],
)
def test_no_text_makes_it_slow(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    started = time.perf_counter()
    Redactor(("/home/ann",), "ann", "bigbox").text(text)
    assert time.perf_counter() - started < 5
