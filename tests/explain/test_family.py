"""What is of the family and what is not; messages that say too little; advice that does harm, in any language."""

from __future__ import annotations

from dataclasses import replace

import pytest

from doctor.explain.explanation import Explanation
from doctor.explain.text import explain_lines
from doctor.knowledge.matrix_file import builtin_matrix
from doctor.reports.explanation import ExplanationReport, explanation_report
from doctor.reports.redact import Redactor

MATRIX = builtin_matrix()
BARE = "NotImplementedError: Cannot copy out of meta tensor; no data!"
TAIL = " Please use torch.nn.Module.to_empty() instead of torch.nn.Module.to() when moving module from meta to a different device."
IN_THE_APP = """\
Traceback (most recent call last):
  File "/srv/app/main.py", line 10, in handler
    user = users[name]
"""
LOADING = """\
Traceback (most recent call last):
  File "/srv/app/load.py", line 3, in <module>
    model = AutoModel.from_pretrained("x", device_map="auto")
  File "/opt/venv/lib/python3.11/site-packages/transformers/modeling_utils.py", line 1, in from_pretrained
    return x
"""


def explained(text: str) -> Explanation:
    return explain_lines(text.split("\n"), MATRIX)


def report(text: str) -> ExplanationReport:
    return explanation_report(explained(text), MATRIX, Redactor((), None, None))


# Not ours


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"{IN_THE_APP}KeyError: 'bob'", "other"),
        ("KeyError: 'bob'", "other"),
        (f"{LOADING}torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 90.00 MiB.", "cuda-out-of-memory"),
        (f"{LOADING}torch.cuda.OutOfMemoryError: HIP out of memory. Tried to allocate 90.00 MiB.", "cuda-out-of-memory"),
        ("RuntimeError: [enforce fail at alloc_cpu.cpp:114] DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes.", "host-out-of-memory"),  # noqa: E501
        (f"{IN_THE_APP}MemoryError", "host-out-of-memory"),
        ("RuntimeError: Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu!", "device-mismatch"),
        ("推理时报错:Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu!", "device-mismatch"),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'x.json'", "missing-file"),
        (f"{LOADING}OSError: x does not appear to have a file named pytorch_model.bin or model.safetensors.", "missing-file"),
        ("ModuleNotFoundError: No module named 'torch'", "missing-module"),
        ("ImportError: cannot import name 'Nothing' from 'mypackage'", "import-error"),
        (f"{LOADING}RuntimeError: Error(s) in loading state_dict for Net:\n\tsize mismatch for fc.weight: copying a param with shape", "shape-mismatch"),  # noqa: E501
        ("safetensors_rust.SafetensorError: Error while deserializing header: MetadataIncompleteBuffer", "corrupt-file"),
        ("huggingface_hub.errors.GatedRepoError: 403 Client Error. Access to model x/y is restricted", "gated-repo"),
        ("requests.exceptions.ConnectionError: Max retries exceeded with url: /x", "no-connection"),
        ("RuntimeError: CUDA error: device-side assert triggered", "cuda-error"),
        (f"{IN_THE_APP}torch.distributed.elastic.multiprocessing.errors.ChildFailedError: ", "rank-failed"),
    ],
)  # fmt: skip
def test_a_failure_that_is_not_of_the_family_is_said_to_be_none(text: str, kind: str) -> None:
    said = report(text)
    (failure,) = said.failures
    assert (failure.outcome, failure.foreign) == ("not-ours", kind)
    assert [cause.cause for cause in failure.causes] == ["not-ours"]
    assert failure.causes[0].upgrade is None
    assert (said.exit_code, said.send, said.next, said.warnings) == (3, (), None, ())


@pytest.mark.parametrize(
    "text",
    [
        f"{BARE}\ntorch.OutOfMemoryError: CUDA out of memory.",
        "The weights are on the meta device.\nRuntimeError: Expected all tensors to be on the same device, but found cuda:0 and cpu!",
        "RuntimeError: Expected all tensors to be on the same device, but found at least two devices, cuda:0 and meta!",
        "I call model.to_empty() first.\nKeyError: 'bob'",
        "ModuleNotFoundError: No module named 'pkg_resources'",
        "ImportError: cannot import name 'get_module_size_with_ties' from 'accelerate.utils.modeling'",
        "ImportError: Using `low_cpu_mem_usage=True` or a `device_map` requires Accelerate: `pip install accelerate`",
        "RuntimeError: Error(s) in loading state_dict:\n size mismatch for w: copying a param which has shape torch.Size([0])",
        "RuntimeError: weight lm_head.weight does not exist",
        "Traceback (most recent call last):\n  File \"/opt/site-packages/accelerate/hooks.py\", line 1, in pre_forward\nKeyError: 'layers.0.weight'",
        "The model was offloaded.\nTraceback (most recent call last):\n  File \"/srv/app/x.py\", line 1, in f\nKeyError: 'x'",
    ],
)
def test_nothing_with_a_sign_of_the_family_is_called_foreign(text: str) -> None:
    assert all(failure.foreign is None for failure in explained(text).failures)


def test_a_foreign_failure_stands_behind_those_of_the_family() -> None:
    first, second = explained(f"{IN_THE_APP}KeyError: 'bob'\n\nIt ran in 4 threads at once.\n{BARE}").failures
    assert first.causes[0].cause == "thread-race"
    assert second.failure.exception == "KeyError"


def test_a_change_that_says_what_went_wrong_is_explained_without_a_word_of_complaint() -> None:
    text = (
        "Our RMSNorm has no reset_parameters. FSDP calls reset_parameters of every module whose parameters are on the meta device when no "
        "param_init_fn is given, so this adds one that fills the weight with ones."
    )
    (failure,) = explained(text).failures
    assert failure.sure
    assert failure.causes[0].cause == "meta-init-incomplete"


def test_a_page_on_what_meta_tensors_are_is_no_failure() -> None:
    text = (
        "This guide explains how torch.device('meta') works: tensors have shapes and no data. Use init_empty_weights() to build a model and "
        "load_checkpoint_and_dispatch to load it."
    )
    assert explained(text).failures == ()


def test_a_message_that_only_sounds_as_one_of_the_family_is_foreign_where_no_cause_is_likely() -> None:
    text = (
        "The benchmark of our kernels stops since we renamed our device classes:\n"
        "TypeError: to() received an invalid combination of arguments - got (device=MetaDevice, dtype=torch.dtype, ), but expected one of "
        "(torch.device device, torch.dtype dtype)\n"
        "Python 3.11, Windows, CUDA 12.4. The same command ran on Linux yesterday, and reinstalling the requirements did not help."
    )
    (failure,) = explained(text).failures
    assert failure.foreign == "other"


def test_a_class_that_ties_names_its_model_does_not_have_has_the_code_to_be_changed() -> None:
    text = (
        "Loading a model with trust_remote_code=True fails under transformers 5.3.0:\n"
        '  File "/srv/x/modeling_foo.py", line 20, in __init__\n    self.post_init()\n'
        "ValueError: There is an issue with your definition of `tie_weights_keys` for ^model.embed_tokens.weight:^lm_head.weight. "
        "We found [] to tie into ['lm_head.weight']"
    )
    (failure,) = explained(text).failures
    assert failure.sure
    assert failure.causes[0].cause == "model-code-too-old"


def test_a_pair_of_which_the_file_has_neither_name_is_no_lost_tie() -> None:
    text = (
        "After loading the merged model with transformers 5.5.0 the output is garbage. The log says:\n"
        "This checkpoint seem corrupted. The tied weights mapping for this model specifies to tie model.embed_tokens.weight to lm_head.weight, "
        "but both are absent from the checkpoint, and we could not find another related tied weight for those keys"
    )
    named = {cause.cause for failure in explained(text).failures for cause in failure.causes}
    assert named and named.isdisjoint({"ties-lost", "wrong-tie"})


# Messages that say too little


@pytest.mark.parametrize("text", [BARE, BARE + TAIL, BARE.partition(": ")[2], f"```\n{BARE}\n```\nhelp please"])
def test_the_bare_sentence_is_answered_with_what_is_known_of_it(text: str) -> None:
    said = report(text)
    (failure,) = said.failures
    assert (said.exit_code, failure.outcome) == (1, "doubtful")
    assert failure.means is not None and "no values" in failure.means
    assert [cause.cause for cause in failure.causes][:2] == ["wrong-checkpoint", "zero3-init"]
    assert [cause.confidence for cause in failure.causes] == sorted((cause.confidence for cause in failure.causes), reverse=True)
    assert all(cause.basis == "frequency" and cause.upgrade is None and cause.advisory is None for cause in failure.causes)
    assert failure.avoid is not None and "to_empty" in failure.avoid
    assert failure.question is not None and failure.question.run is not None
    assert "hf_device_map" in failure.question.run and "is_meta" in failure.question.run
    assert failure.question.answers[0].share == max(answer.share or 0.0 for answer in failure.question.answers)
    compile(failure.question.run, "question", "exec")


def test_frequency_alone_makes_no_cause_certain() -> None:
    message = replace(MATRIX.messages[0], usual={"wrong-checkpoint": 99, "zero3-init": 1})
    (failure,) = explain_lines([BARE], replace(MATRIX, messages=(message,))).failures
    assert failure.causes[0].confidence > 0.5
    assert not failure.sure


def test_signs_go_before_frequency() -> None:
    (failure,) = report(f"It fails in 4 threads at once:\n{BARE}").failures
    assert [cause.cause for cause in failure.causes] == ["thread-race"]
    assert (failure.outcome, failure.question, failure.means) == ("explained", None, None)


def test_the_frequencies_are_whole_and_their_causes_there() -> None:
    for message in MATRIX.messages:
        assert sum(message.usual.values()) >= 10
        (fact,) = (each for each in MATRIX.facts if each.name == message.fact)
        assert {name for answer in fact.answers for name in answer.causes} <= message.usual.keys()


# Words in any language

ARTICLES = {
    "zh": "加载大模型后,参数在meta设备上。此时直接调用 model.to(device) 会报错,因为权重没有数据。\n解决方法:使用 to_empty() 把模型移到 GPU。",
    "zh, named otherwise": "模型加载时 low_cpu_mem_usage=True 会产生meta tensor,随后用.to('cuda')移动时失败。\n改用model.to_empty(device='cuda')即可。",  # noqa: E501
    "ja": "low_cpu_mem_usage=True で読み込むとパラメータがmetaデバイスに残り、model.to(device) でエラーになります。to_empty() を使ってください。",
    "ko": "모델을 불러온 뒤 meta 텐서를 model.to('cuda')로 옮기면 오류가 납니다. to_empty()를 사용하세요.",
    "ru": "После загрузки веса остаются на meta устройстве, и вызов model.to(device) даёт ошибку. Используйте to_empty().",
    "es": "Los pesos quedan en el dispositivo meta y model.to(device) da un error. Hay que usar to_empty() en su lugar.",
    "fr": "Les poids restent sur le device meta et model.to(device) provoque une erreur ; il faut appeler to_empty() à la place.",
    "de": "Die Gewichte liegen auf dem meta device, und model.to(device) wirft einen Fehler. Abhilfe: to_empty() verwenden.",
    "pt": "Os pesos ficam no dispositivo meta e model.to(device) dá erro; basta usar to_empty().",
    "vi": "Trọng số nằm trên meta device nên model.to(device) báo lỗi. Hãy dùng to_empty().",
}


@pytest.mark.parametrize("text", ARTICLES.values(), ids=ARTICLES.keys())
def test_advice_and_the_error_are_recognised_in_any_language(text: str) -> None:
    said = report(text)
    assert said.exit_code == 1
    assert ("to_empty" in said.warnings[0] and "throws" in said.warnings[0]) or "goes away" in said.warnings[0]
    (failure,) = said.failures
    assert failure.outcome in ("explained", "doubtful")


@pytest.mark.parametrize(
    "text",
    [
        "只加载权重,参数在meta设备上,然后 model.to(device) 报错,怎么办?",
        "権重はmetaデバイスにあり、.to('cuda')でエラーが発生しました。low_cpu_mem_usage=True です。",
        "All parameters sit on the meta device, and moving them with .to(device) fails.",
    ],
)
def test_an_error_told_of_without_advice_is_one(text: str) -> None:
    said = report(text)
    assert (said.exit_code, said.warnings, len(said.failures)) == (1, (), 1)


@pytest.mark.parametrize(
    "text",
    [
        "Never use to_empty() on a loaded model.",
        "不要使用 to_empty()。",
        "Release notes: torch.device('meta') is documented now.",
        "The meta description of the page was changed; an error in the footer was fixed.",
        "Metadata of the device: ok. Errors: 0. model.to('cuda') done.",
    ],
)
def test_what_only_sounds_like_it_is_no_failure(text: str) -> None:
    said = report(text)
    assert (said.exit_code, said.failures, said.warnings) == (0, (), ())


@pytest.mark.parametrize("beside", ["在", "で", "를", "на", " "])
def test_a_letter_of_another_script_ends_a_word(beside: str) -> None:
    assert explained(f"模型{beside}to_empty{beside}").warnings


# Wrong advice that destroys nothing

ADVISED = {
    "low-cpu-mem-usage-false": "The fix is easy: set low_cpu_mem_usage=False.",
    "strict-false": "Just use `strict=False` and the missing keys go away.",
    "ignore-mismatched-sizes": "Try adding ignore_mismatched_sizes=True to from_pretrained.",
    "merge-with-device-map-auto": 'Before merging, load the base with device_map="auto", not on the CPU.',
    "offload-folder-twice": "You have to pass offload_folder twice, to the base and to PeftModel.",
    "num-processes-one": "Launch it with --num_processes=1 and it works.",
    "fp8-is-the-cause": "I think fp8 is the problem here.",
    "it-is-vram": "This error means that you have not enough VRAM.",
    "module-device-is-meta": "The device of the module is meta, so the weights were never loaded.",
    "upgrade-and-try-again": "Please upgrade transformers and try again.",
    "missing-keys-empty": "missing_keys is empty, so all weights are loaded.",
}


def test_every_advice_that_destroys_nothing_is_tried_here() -> None:
    assert ADVISED.keys() == {each.name for each in MATRIX.advice if each.harm != "destroys"}


@pytest.mark.parametrize("name", ADVISED)
def test_wrong_advice_beside_a_failure_of_the_family_is_contradicted(name: str) -> None:
    (advice,) = (each for each in MATRIX.advice if each.name == name)
    assert explained(f"{BARE}\n{ADVISED[name]}").warnings == (f"Line 2: {advice.forms[0].says}",)


@pytest.mark.parametrize("name", ADVISED)
def test_it_is_left_alone_beside_another_failure_and_without_any(name: str) -> None:
    oom = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 90.00 MiB."
    assert explained(f"{oom}\n{ADVISED[name]}").warnings == explained(ADVISED[name]).warnings == ()


@pytest.mark.parametrize(
    "text",
    [
        "low_cpu_mem_usage=False does not help.",
        "Do not use strict=False here.",
        "missing, unexpected = model.load_state_dict(state, strict=False)",
        "I never set ignore_mismatched_sizes=True.",
        "missing_keys: ['lm_head.weight']",
        "device='meta' was used to build it",
    ],
)
def test_who_warns_of_it_or_only_shows_code_is_not_warned(text: str) -> None:
    assert explained(f"{BARE}\n{text}").warnings == ()


def test_an_advisory_against_which_wrong_advice_is_given_says_that_it_does_not_help() -> None:
    said = {each.id: each.avoid or "" for each in MATRIX.advisories}
    key = {"to-empty": "to_empty", "strict-false": "strict=False", "low-cpu-mem-usage-false": "low_cpu_mem_usage=False"}
    key |= {"ignore-mismatched-sizes": "ignore_mismatched_sizes=True", "merge-with-device-map-auto": 'device_map="auto"'}
    key |= {"offload-folder-twice": "offload_folder", "num-processes-one": "--num_processes=1", "module-device-is-meta": "module.device is meta"}
    key |= {"missing-keys-empty": "missing_keys"}
    for advice in MATRIX.advice:
        for advisory in advice.advisories:
            assert key[advice.name] in said[advisory], (advice.name, advisory)


def test_what_describes_software_is_no_report_of_a_failure() -> None:
    """Its words are those of reports: buffers, threads, errors, versions."""
    text = """\
    remote archive reader
    Reads parts of an archive over HTTP ranges without fetching all of it. The buffer is filled once for each request and is persistent
    until the reader is closed; threads may share a reader. The initial buffer size can be changed. Errors of the connection are raised
    again as they came, and a broken archive gives an exception with its position. Supported since Python 3.8; see the list of changes for
    what differs between versions, and the page of known problems. Released under a permissive license.
    """
    assert explained(text).failures == ()
