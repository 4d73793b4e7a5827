"""Lists of packages, whole ones and what people pick from them."""

from __future__ import annotations

import pytest

from tests.environments import stated, versions

THREE = {"accelerate": "1.0.1", "torch": "2.4.1+cu118", "transformers": "4.46.3"}
NEEDED = {"huggingface-hub": "0.26.2", "psutil": "6.1.0", "pyyaml": "6.0.2", "sympy": "1.13.1", "tokenizers": "0.20.3", "typing-extensions": "4.12.2"}


def table(packages: dict[str, str]) -> str:
    return "\n".join(
        ["Package           Version", "----------------- -----------", *(f"{name:<17} {version}" for name, version in sorted(packages.items()))]
    )


def freeze(packages: dict[str, str]) -> str:
    return "\n".join(f"{name}=={version}" for name, version in sorted(packages.items()))


CONDA = """\
# packages in environment at /home/bob/miniconda3/envs/llm:
#
# Name                    Version                   Build  Channel
_libgcc_mutex             0.1                        main
accelerate                1.0.1                    pypi_0    pypi
python                    3.10.13              h955ad1f_0
pytorch                   2.1.2           py3.10_cuda12.1_cudnn8.9.2_0    pytorch
transformers              4.46.3             pyhd8ed1ab_0    conda-forge
"""


@pytest.mark.parametrize(
    "text",
    [
        table(THREE),
        "$ pip list\n" + table(THREE) + "\n\nand then it fails",
        freeze(THREE),
        "\n".join(f"{name:<30}{version}" for name, version in THREE.items()),
        "| Package | Version |\n|---|---|\n" + "\n".join(f"| {name} | {version} |" for name, version in THREE.items()),
        "\n".join(f"* {name}=={version}" for name, version in THREE.items()),
        "\n".join(f"[pip3] {name}=={version}" for name, version in THREE.items()),
        "Installed 3 packages in 12ms\n" + "\n".join(f" + {name}=={version}" for name, version in THREE.items()),
        "Successfully installed accelerate-1.0.1 numpy_x-1.0 torch-2.4.1+cu118 transformers-4.46.3",
        '[{"name": "accelerate", "version": "1.0.1"}, {"name": "torch", "version": "2.4.1+cu118"}, {"name":"transformers","version":"4.46.3"}]',
        "accelerate[x]==1.0.1\ntorch @ https://example.org/torch-2.4.1%2Bcu118-cp310-cp310-linux_x86_64.whl#sha256=ab\ntransformers === 4.46.3",
        "accelerate==1.0.1 \\\n    --hash=sha256:ab\ntorch==2.4.1+cu118 ; python_version >= '3.8'\ntransformers==4.46.3  # via app",
    ],
    ids=[
        "pip list",
        "in an issue",
        "pip freeze",
        "no head",
        "markdown",
        "bullets",
        "collect_env",
        "uv",
        "pip install",
        "json",
        "addresses",
        "requirements",
    ],
)
def test_versions_are_read(text: str) -> None:
    assert versions(stated(text)) == THREE


@pytest.mark.parametrize("listing", [table, freeze])
def test_a_list_is_whole_when_it_holds_what_its_packages_need(listing: object) -> None:
    assert callable(listing)
    assert stated(listing(THREE | NEEDED)).partial is False
    assert stated(listing(THREE)).partial is True
    assert stated(listing(NEEDED)).partial is True


def test_of_a_whole_list_what_is_not_named_is_not_installed() -> None:
    here = stated(table(THREE | NEEDED))
    assert [here.installed(name) for name in ("torch", "diffusers")] == [True, False]
    assert [stated(table(THREE)).installed(name) for name in ("torch", "diffusers")] == [True, None]


def test_conda_list_says_which_packages_are_condas() -> None:
    here = stated(CONDA)
    assert {name: (each.version, each.installer) for name, each in here.packages.items()} == {
        "accelerate": ("1.0.1", "pip"),
        "torch": ("2.1.2", "conda"),
        "transformers": ("4.46.3", "conda"),
    }
    assert here.python.version == "3.10.13"


@pytest.mark.parametrize(
    ("line", "version", "origin", "reason"),
    [
        ("transformers @ git+https://github.com/huggingface/transformers@0123456789abcdef0123456789abcdef01234567", None, "vcs", "from git"),
        ("-e git+https://github.com/huggingface/transformers@0123456789abcdef#egg=transformers", None, "vcs", "from git"),
        ("transformers @ file:///croot/transformers_169/work", None, "index", "an address without a version"),
        ("-e /home/bob/src/transformers", None, "editable", "a local folder"),
        ("# Editable install with no version control (transformers==4.50.0.dev0)", "4.50.0.dev0", "editable", None),
        ("transformers==4.50.0.dev0", "4.50.0.dev0", "vcs", None),
    ],
)
def test_what_does_not_come_from_an_index_says_so(line: str, version: str | None, origin: str, reason: str | None) -> None:
    here = stated(f"numpy==1.26.4\n{line}\ntorch==2.4.1")
    assert (here.packages["transformers"].version, here.packages["transformers"].origin) == (version, origin)
    reasons = [each.reason for each in here.unknown if each.fact == "packages.transformers.version"]
    assert [bool(reason) and str(reason) in said for said in reasons] == ([True] if reason else [])


def test_an_editable_column_of_pip_list_is_understood() -> None:
    head = "Package      Version     Editable project location\n------------ ----------- -------------------------\n"
    text = head + "torch        2.4.1\ntransformers 4.50.0.dev0 /home/bob/transformers"
    assert {name: each.origin for name, each in stated(text).packages.items()} == {"torch": "index", "transformers": "editable"}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("transformers>=4.40", "requirements.txt, line 2 allows >=4.40"),
        ("transformers >=4.40,<5 ; python_version>='3.9'", "requirements.txt, line 2 allows >=4.40,<5"),
        ("transformers==4.46.*", "requirements.txt, line 2 allows ==4.46.*"),
        ("transformers[torch]", "requirements.txt, line 2 allows any version"),
    ],
)
def test_a_range_states_no_version(line: str, reason: str) -> None:
    here = stated(f"torch==2.4.1\n{line}\n-r other.txt\n--index-url https://example.org", "requirements.txt")
    assert versions(here) == {"torch": "2.4.1", "transformers": None}
    assert reason in [each.reason for each in here.unknown if each.important]


def test_a_requirement_with_several_pins_is_ambiguous() -> None:
    here = stated("torch==2.2.2 ; sys_platform == 'darwin'\ntorch==2.5.1 ; sys_platform != 'darwin'\n", "requirements.txt")
    assert versions(here) == {"torch": None}
    (reason,) = [each.reason for each in here.unknown if each.fact == "packages.torch.version"]
    assert "holds 2.2.2 (line 1) and 2.5.1 (line 2)" in reason


ENVIRONMENT_YML = """\
name: llm
channels:
  - pytorch
dependencies:
  - python=3.10
  - pytorch::pytorch=2.1.2=py3.10_cuda12.1_cudnn8.9.2_0
  - accelerate>=1.0
  - numpy=1.26
  - pip:
    - transformers==4.46.3
  - diffusers=0.31.0
prefix: /home/bob/miniconda3/envs/llm
"""


@pytest.mark.parametrize(("before", "name"), [("", "environment.yml"), ("My environment:\n\n```yaml\n", None)])
def test_environment_yml_is_read_as_a_file_and_in_a_text(before: str, name: str | None) -> None:
    here = stated(before + ENVIRONMENT_YML, name)
    assert versions(here) == {"accelerate": None, "diffusers": "0.31.0", "numpy": None, "torch": "2.1.2", "transformers": "4.46.3"}
    assert (here.python.version, here.packages["transformers"].installer, here.packages["diffusers"].installer) == ("3.10", "pip", "conda")
    assert any("allows >=1.0" in each.reason for each in here.unknown)
    assert any("allows =1.26" in each.reason and not each.important for each in here.unknown)
