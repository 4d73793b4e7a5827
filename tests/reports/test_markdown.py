"""The Markdown attachment, rendered by a real Markdown library with GitHub's tables."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, strategies as st
from markdown_it import MarkdownIt

from doctor.facts.environment import Unknown
from doctor.reports.attachment import MOST_TRACEBACK, shortened
from doctor.reports.markdown import TEMPLATES, code, fenced, markdown, plain
from tests.reports.golden import FOLDER, TRACEBACK, golden_attachment, golden_reports

_RENDERER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def rendered(text: str) -> str:
    return str(_RENDERER.render(text))


class _Text(HTMLParser):
    """The text a reader sees, and the tags that make it up, in their order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        if tag not in ("br", "hr", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize(("name", "text"), golden_reports().items())
def test_the_golden_reports_hold(name: str, text: str) -> None:
    """`python -m tests.reports.golden` writes them anew."""
    assert (FOLDER / name).read_text("utf-8") == text


@pytest.mark.parametrize("project", TEMPLATES)
def test_it_renders_as_it_is_meant(project: str) -> None:
    page = _Text(rendered(markdown(golden_attachment(), project)))
    assert page.open == []
    assert page.tags.count("details") >= 1
    assert page.tags.count("table") == 2
    assert len(re.findall("^(?:#|\\*\\*)", markdown(golden_attachment(), project), re.MULTILINE)) > 3
    for expected in ("<fill in>", "confirmed here (reproduced: KeyError: 'cpu')", "transformers 4.46.3", '"schema_version": 2', "~/venv/lib"):
        assert expected in page.text
    assert "```" not in page.text
    assert "\\" not in page.text.replace("\\n", "")


@pytest.mark.parametrize(
    ("project", "lines"),
    [
        ("transformers", ["`transformers` version", "Platform", "Python version", "Huggingface_hub version", "Safetensors version",
                          "Accelerate version", "Accelerate config", "DeepSpeed version", "PyTorch version (accelerator?)",
                          "Using distributed or parallel set-up in script?", "Using GPU in script?", "GPU type"]),
        ("accelerate", ["`Accelerate` version", "Platform", "`accelerate` bash location", "Python version", "Numpy version", "PyTorch version",
                        "PyTorch accelerator", "System RAM", "GPU type", "`Accelerate` default config"]),
        ("diffusers", ["🤗 Diffusers version", "Platform", "Running on Google Colab?", "Python version", "PyTorch version (GPU?)",
                       "Flax version (CPU?/GPU?/TPU?)", "Jax version", "JaxLib version", "Huggingface_hub version", "Transformers version",
                       "Accelerate version", "PEFT version", "Bitsandbytes version", "Safetensors version", "xFormers version", "Accelerator",
                       "Using GPU in script?", "Using distributed or parallel set-up in script?"]),
        ("sentence-transformers", ["OS", "Python version", "Pytorch version", "Transformers version"]),
    ],
)  # fmt: skip
def test_the_labels_are_those_of_the_projects_own_command(project: str, lines: list[str]) -> None:
    text = markdown(golden_attachment(), project)
    found = re.findall(r"^- +(.+?):(?: |$)", text[: text.index("### Known problems")], re.MULTILINE)
    assert [each for each in found if each in lines] == lines


@pytest.mark.parametrize("project", ["pytorch", "general", "transformers", "accelerate"])
def test_what_collect_env_says_is_there(project: str) -> None:
    text = markdown(golden_attachment(), project)
    for label in ("PyTorch version: 2.6.0+cu124\n", "Is debug build: ", "CUDA used to build PyTorch: 12.4\n", "ROCM used to build PyTorch: N/A\n",
                  "OS: ", "Libc version: ", "Is CUDA available: True\n", "GPU models and configuration: \nGPU 0: NVIDIA A100-SXM4-80GB\nGPU 1: ",
                  "Nvidia driver version: 550.54.14\n", "cuDNN version: ", "[pip3] numpy==1.26.4\n"):  # fmt: skip
        assert label in text


@pytest.mark.parametrize(
    ("project", "headings"),
    [
        ("transformers", ["### System Info", "### Who can help?", "### Information", "### Tasks", "### Reproduction", "### Expected behavior"]),
        ("accelerate", ["### System Info", "### Information", "### Tasks", "### Reproduction", "### Expected behavior"]),
        ("pytorch", ["### Versions", "### 🐛 Describe the bug"]),
        ("diffusers", ["### System Info", "### Describe the bug", "### Reproduction", "### Logs"]),
        ("vllm", ["### Your current environment", "<summary>The output of <code>python collect_env.py</code></summary>", "### 🐛 Describe the bug"]),
        ("sentence-transformers", ["**System [please complete the following information]:**", "**Describe the bug**", "**To Reproduce**",
                                   "**Expected behavior**", "**Additional context**"]),
    ],
)  # fmt: skip
def test_the_headings_are_those_of_the_form(project: str, headings: list[str]) -> None:
    lines = markdown(golden_attachment(), project).splitlines()
    assert [line for line in lines if line in headings] == headings


def test_what_matters_most_is_on_top() -> None:
    top = markdown(golden_attachment()).splitlines()[:5]
    for expected in (
        "torch 2.6.0+cu124",
        "transformers 4.46.3",
        "accelerate 1.0.1",
        "2 x NVIDIA A100",
        "limited to 64.00 GB",
        "1 reproducer failed here",
        "NotImplementedError",
    ):
        assert expected in "\n".join(top)


_LIVE = re.compile(r"(?i)@[a-z0-9]|#\d|gh-\d|[a-z]://|www\.")
"""What GitHub makes a mention or a link of."""
LIVE_TEXTS = (
    "@octocat", "(@octocat)", "#12", "huggingface/transformers#36579", "GH-12", "gh-12", "https://github.com/org/repo/issues/1", "HTTP://x.org",
    "www.x.org",
    "octocat@0c654085fb6ab4312e84c904035190a4277596a1", "org/repo@0c654085", "someone@example.org", "mailto:someone@example.org", "[x](https://x.org)",
    "<https://x.org>", "ftp://x.org", "fixes #12", "[x]: https://x.org", "![x](//x.org/x.png)",
)  # fmt: skip


@pytest.mark.parametrize("live", LIVE_TEXTS)
def test_nothing_in_it_calls_or_links_anybody(live: str) -> None:
    """Whatever a finding, a cause, a version or an error says."""
    attachment = golden_attachment(traceback=f"Traceback (most recent call last):\nRuntimeError: {live}")
    environment = attachment.report.environment
    unknown = (*environment.unknown, Unknown("gpu", f"said: {live}"))
    environment = replace(
        environment, unknown=unknown, packages={**environment.packages, "numpy": replace(environment.packages["numpy"], version=live)}
    )
    findings = tuple(replace(each, title=f"{each.title} {live}", missing=(live,), observed=live) for each in attachment.report.findings)
    causes = tuple(replace(each, title=live, because=(live,), remedy=live, avoid=live) for each in attachment.report.causes)
    report = replace(attachment.report, environment=environment, findings=findings, causes=causes)
    for project in ("general", "vllm", "diffusers"):
        text = markdown(replace(attachment, report=report, subject=replace(attachment.subject, environment=environment)), project)
        outside_code = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", re.sub(r"(?ms)^(`{3,})[^\n]*\n.*?^\1$", "", text))
        assert _LIVE.search(outside_code) is None
        assert {"a", "img"}.isdisjoint(_Text(rendered(text)).tags)


@given(st.lists(st.sampled_from([*LIVE_TEXTS, " ", "\\", "`", "*", "_", "#", "@", "1", "a", ":", "//", "www", "."]), max_size=8).map("".join))
def test_no_text_is_live(text: str) -> None:
    assert _LIVE.search(plain(text)) is None


def test_without_a_traceback_there_is_a_line_to_fill_in() -> None:
    assert "<fill in>: the full traceback" in _Text(rendered(markdown(golden_attachment(traceback=None)))).text


@pytest.mark.parametrize("fence", ["```", "````python\n```\n````", "~~~", "``````"])
def test_fences_inside_fences_stay_inside(fence: str) -> None:
    page = _Text(rendered(markdown(golden_attachment(traceback=f"{fence}\n<details>\n# not a heading\n{TRACEBACK}"))))
    assert page.text.count(f"{fence}\n<details>\n# not a heading") == 1
    assert page.open == []


@given(st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=60))
def test_any_text_looks_as_it_is(text: str) -> None:
    """Blanks aside, which every browser joins."""
    shown = _Text(rendered(f"- {plain(f'x {text} x')}")).text
    assert " ".join(shown.replace("\N{ZERO WIDTH NON-JOINER}", "").split()) == " ".join(
        f"x {text} x".replace("\N{ZERO WIDTH NON-JOINER}", "").split()
    )


@given(st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=60))
def test_any_text_stays_in_its_cell(text: str) -> None:
    page = _Text(rendered(f"| a | b |\n|---|---|\n| {plain(text)} | here |"))
    assert page.tags.count("td") == 2


@given(st.text(st.sampled_from("`a \\<|*_"), min_size=1, max_size=30).filter(str.strip))
def test_any_text_stays_in_its_code_span(text: str) -> None:
    assert _Text(rendered(f"x {code(text)} x")).text.strip() == f"x {' '.join(text.split())} x"


@given(st.text(st.sampled_from("`~a \n"), max_size=60))
def test_any_text_stays_in_its_fence(text: str) -> None:
    page = _Text(rendered("\n".join([*fenced(text, "text"), "", "# after"])))
    assert page.tags[-1] == "h1"


def test_a_long_traceback_keeps_its_end() -> None:
    text = shortened("\n".join(f"line {number}" for number in range(20_000)))
    assert len(text) < MOST_TRACEBACK + 100
    assert re.match(r"\[the first \d+ characters are left out\]\nline \d+\n", text)
    assert text.endswith("line 19999")
