"""The golden reports: one for each project's form, of one made-up environment; and the first screens.

    python -m tests.reports.golden

writes them anew into `tests/reports/golden/`; read the difference line by line, against the form in question, before you commit it.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from doctor.diagnosis.diagnosis import diagnose
from doctor.explain.explanation import LikelyCause
from doctor.facts.environment import Accelerator, Driver, Environment, InstallationFault, Memory, Requirement, TorchRuntime, Unknown
from doctor.facts.observation import Observation
from doctor.facts.program import Place
from doctor.knowledge.installation import KNOWN_FAULTS
from doctor.knowledge.matrix import Matrix
from doctor.knowledge.releases import Releases
from doctor.reports.attachment import Attachment, attachment_of
from doctor.reports.document import Report, report_on
from doctor.reports.markdown import TEMPLATES, markdown
from doctor.reports.redact import Redactor
from doctor.reports.terminal.check import print_report
from tests.environments import environment, matrix
from tests.reports.golden_explanations import explain_screens, triage_replies

FOLDER = Path(__file__).parent / "golden"
TRACEBACK = """\
Traceback (most recent call last):
  File "/home/ann/project/train.py", line 12, in <module>
    model.to("cuda")
  File "/home/ann/venv/lib/python3.11/site-packages/accelerate/big_modeling.py", line 462, in wrapper
    return fn(*args, **kwargs)
  File "/home/ann/venv/lib/python3.11/site-packages/torch/nn/modules/module.py", line 1336, in convert
    raise NotImplementedError(
NotImplementedError: Cannot copy out of meta tensor; no data! Please use torch.nn.Module.to_empty() instead of torch.nn.Module.to()
"""
CAUSES = (
    LikelyCause(
        "offload-then-move", "resource", "Part of the model was offloaded for want of memory, and then moved", None, 0.83,
        ("the log says that weights were offloaded",), "Leave it where it is.", "to_empty()", None, "model.hf_device_map", (),
    ),
)  # fmt: skip
_PACKAGES = (
    "accelerate", "bitsandbytes", "deepspeed", "diffusers", "huggingface-hub", "numpy", "peft", "safetensors", "sentence-transformers", "torch",
    "transformers",
)  # fmt: skip


def golden_matrix() -> Matrix:
    """A few advisories, of every kind of answer."""
    checked = ", ".join(f'{name}: {{checked_up_to: "9.0"}}' for name in _PACKAGES)
    return matrix(
        "MT901 bug silent transformers [4.40,4.51)",
        "MT902 bug error accelerate [-,1.6)",
        "MT903 misuse error torch [-,-)",
        "MT904 bug error accelerate [1.0,-)",
        'MT905 bug warning transformers [4.40,4.50) when {environment: {HF_ENABLE_PARALLEL_LOADING: ["1"]}}',
        checked=f"{{{checked}}}",
    )


def golden_environment() -> Environment:
    """A machine with two GPUs, one fault, and one fact that could not be had."""
    gpu = Accelerator("cuda", "NVIDIA A100-SXM4-80GB", "torch", 85094825984, None, "8.0")
    return replace(
        environment(
            torch="2.6.0+cu124", transformers="4.46.3", accelerate="1.0.1", huggingface_hub="0.26.2", numpy="1.26.4", safetensors="0.4.5",
            peft="0.13.2", diffusers="0.31.0", sentence_transformers="3.3.1",
        ),
        memory=Memory(540_000_000_000, 400_000_000_000, 64 * 1024**3, "cgroup v2"),
        torch=TorchRuntime(True, "2.6.0+cu124", "12.4", None, True, None, False, False, ("sm_80", "sm_90"), "torch.float32", "cpu"),
        accelerators=(gpu, gpu, replace(gpu, seen_by="driver"), replace(gpu, seen_by="driver")),
        drivers=(Driver("nvidia", "550.54.14", "12.4"),),
        variables={"CUDA_VISIBLE_DEVICES": "0,1", "HF_ENABLE_PARALLEL_LOADING": "1"},
        requirements=(Requirement("transformers", "torch", ">=2.0"), Requirement("acme-llm", "transformers", "<5")),
        faults=(InstallationFault("duplicate-metadata", "transformers", "two records lie side by side in /home/ann/venv/lib", "4.46.3"),),
        unknown=(Unknown("packages.bitsandbytes.version", "neither its metadata nor its files say", important=True),),
    )  # fmt: skip


def crowded_environment() -> Environment:
    """More that is wrong, and more that could not be had, than a screen holds."""
    faults = tuple(
        InstallationFault(slug, "transformers", f"{slug} in /home/ann/venv/lib", "4.46.3") for slug in KNOWN_FAULTS if slug != "torch-missing"
    )
    unknown = [Unknown(f"packages.{name}.version", f"the metadata of {name} cannot be read", important=True) for name in ("numpy", "peft", "trl")]
    return replace(golden_environment(), faults=faults[:7], unknown=tuple(unknown))


def golden_attachment(*, traceback: str | None = TRACEBACK, observed: bool = True) -> Attachment:
    """What the golden reports are made from."""
    releases: Releases = {}
    seen = (Observation("MT902", "reproduced", "KeyError: 'cpu'"),) if observed else ()
    diagnosis = diagnose(golden_environment(), golden_matrix(), releases, observations=seen)
    redactor = Redactor(("/home/ann",), "ann", "bigbox")
    config = {"compute_environment": "LOCAL_MACHINE", "distributed_type": "FSDP", "main_process_ip": "(set)"}
    report = replace(report_on(diagnosis, redactor, traceback, config, CAUSES if traceback else ()), doctor_version="0.0.0")
    return attachment_of(report, golden_matrix(), tuple(each.label for each in redactor.masked))


def golden_reports() -> dict[str, str]:
    """The text of each, by file name, without the JSON at its end: new facts are no change to what people read."""
    texts = {f"{name}.md": markdown(golden_attachment(), name) for name in TEMPLATES}
    return {name: text[: text.index("<details>\n<summary>For programs")] for name, text in texts.items()}


def golden_screens() -> dict[str, str]:
    """The first screens of `doctor check` and `doctor confirm`, by file name and at three widths."""
    screens = {}
    for name, report in _checks():
        for width in (60, 80, 120):
            page = io.StringIO()
            print_report(report, Console(file=page, width=width, highlight=False, emoji=False))
            screens[f"check-{name}-{width}.txt"] = "\n".join(line.rstrip() for line in page.getvalue().split("\n"))
    return screens


def _checks() -> Iterator[tuple[str, Report]]:
    """Nothing wrong, two things, many, what cannot be told, what reproducers saw, and a program that sets things off."""
    redactor = Redactor(("/home/ann",), "ann", "bigbox")
    healthy = environment(torch="2.6.0+cu124", transformers="4.46.3", accelerate="1.0.1")
    unsure = replace(healthy, unknown=(Unknown("torch.cuda_available", "torch did not answer within 30 seconds", important=True),))
    for name, here in (("healthy", healthy), ("wrong", golden_environment()), ("crowded", crowded_environment()), ("unsure", unsure)):
        yield name, report_on(diagnose(here, golden_matrix(), {}), redactor)
    seen = (
        Observation("MT901", "reproduced", "without an error, 24 of 24 tensors lost; lm_head.weight differs in 3072 of 3072 values"),
        Observation("MT902", "not reproduced", "all tensors are as in the file"),
    )
    confirmed = report_on(diagnose(healthy, golden_matrix(), {}, observations=seen), redactor)
    yield "confirmed", confirmed
    places = [
        Place("train.py", line, 5, "model = AutoModelForCausalLM.from_pretrained(name, device_map='auto')", "certain") for line in (14, 31, 60, 72)
    ]
    shown = diagnose(healthy, golden_matrix(), {})
    certain, likely, *others = shown.findings
    findings = (
        replace(certain, concerns="program", places=tuple(places)),
        replace(likely, concerns="possible-use", places=(replace(places[0], sure="likely"),), missing=("the size of the model",)),
        *others,
    )
    yield "program", report_on(replace(shown, findings=findings), redactor)


if __name__ == "__main__":
    for name, text in {**golden_reports(), **golden_screens(), **explain_screens(), **triage_replies()}.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
