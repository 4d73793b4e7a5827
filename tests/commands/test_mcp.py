"""`doctor mcp`, asked by the SDK's own client over standard input and output."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import anyio
import jsonschema
import pytest
from mcp import Client, StdioServerParameters, stdio_client
from mcp.types import ListRootsResult, Root, TextContent

from doctor.commands.agent.answers import ROOM
from doctor.knowledge.matrix_file import builtin_matrix
from doctor.reports.json import published_schemas
from tests.commands.test_fit import CONFIG
from tests.conftest import Doctor

TOOLS = {"check_environment", "explain_failure", "date_traceback", "check_program", "fit_model", "lookup_advisory"}
PROGRAM = """\
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained("m", device_map="auto")
model.to_empty(device="cuda")
"""
FAILURE = """\
transformers==4.46.3
accelerate==1.0.1
Traceback (most recent call last):
  File "/srv/app/serve.py", line 12, in <module>
    model.to("cuda")
  File "/usr/lib/python3/dist-packages/torch/nn/modules/module.py", line 1160, in convert
    return t.to(device, dtype if t.is_floating_point() or t.is_complex() else None, non_blocking)
NotImplementedError: Cannot copy out of meta tensor; no data! Please use torch.nn.Module.to_empty() instead of torch.nn.Module.to() when moving module
"""
Ask = Callable[..., Awaitable[Any]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project that pins what it uses, and throws its weights away; beside it lies what is nobody's business."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "requirements.txt").write_text("torch==2.4.1\ntransformers==4.46.3\naccelerate==1.0.1\n")
    (folder / "train.py").write_text(PROGRAM)
    (tmp_path / "outside.py").write_text(PROGRAM)
    (tmp_path / "outside.txt").write_text("torch==2.4.1\n")
    return folder


def talk(
    project: Path,
    conversation: Callable[[Ask, Client], Awaitable[None]],
    *options: str,
    mode: str = "auto",
    roots: tuple[Path, ...] | None = None,
    variables: Mapping[str, str] | None = None,
) -> None:
    """Start the server in `project`, and let the conversation ask it; every answer is held against the tool's own schema and size."""
    named = (project,) if roots is None else roots

    async def list_roots(context: Any) -> ListRootsResult:
        return ListRootsResult(roots=[Root(uri=each.as_uri()) for each in named])  # type: ignore[arg-type]

    async def run() -> None:
        command = StdioServerParameters(
            command=sys.executable, args=["-m", "doctor", "mcp", *options], cwd=project, env={**os.environ, **(variables or {})}
        )
        async with Client(stdio_client(command), list_roots_callback=list_roots, mode=mode) as client:
            schemas = {each.name: each.output_schema for each in (await client.list_tools()).tools}

            async def ask(tool: str, **asked: Any) -> Any:
                result = await client.call_tool(tool, asked)
                if result.is_error:
                    (said,) = result.content
                    assert isinstance(said, TextContent)
                    return said.text
                answer = result.structured_content
                jsonschema.validate(answer, schemas[tool] or False)
                assert len(json.dumps(answer, ensure_ascii=False, separators=(",", ":"))) <= ROOM
                return answer

            await conversation(ask, client)

    anyio.run(run)


def test_every_tool_says_that_it_only_reads(project: Path) -> None:
    async def conversation(_: Ask, client: Client) -> None:
        tools = (await client.list_tools()).tools
        assert {each.name for each in tools} == TOOLS
        for each in tools:
            assert each.annotations is not None
            assert (each.annotations.read_only_hint, each.annotations.destructive_hint, each.annotations.open_world_hint) == (True, False, False)
            assert each.description
            assert "roots" not in each.input_schema["properties"]
            assert all("description" in about for about in each.input_schema["properties"].values())
        assert "to_empty" in str(client.instructions)

    talk(project, conversation)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_program_and_what_it_pins(project: Path, mode: str) -> None:
    async def conversation(ask: Ask, _: Client) -> None:
        answer = await ask("check_program", programs=["train.py"], from_file="requirements.txt")
        assert (answer["outcome"], answer["versions"]["transformers"]) == ("problem", "4.46.3")
        (found,) = [each for each in answer["findings"] if each["id"] == "MT080"]
        assert [each["line"] for each in found["places"]] == [4]
        whole = (await ask("lookup_advisory", id="MT080"))["advisories"][0]
        assert "to_empty" in whole["trigger"]

    talk(project, conversation, mode=mode)


def test_nothing_outside_the_roots_is_read(project: Path) -> None:
    (project / "link.py").symlink_to(project.parent / "outside.py")
    (project / "model").mkdir()
    (project / "model" / "config.json").symlink_to(project.parent / "outside.txt")

    async def conversation(ask: Ask, _: Client) -> None:
        for tool, asked in (
            ("check_program", {"programs": [str(project.parent / "outside.py")], "from_file": "."}),
            ("check_program", {"programs": ["../outside.py"], "from_file": "."}),
            ("check_program", {"programs": ["link.py"], "from_file": "."}),
            ("check_environment", {"from_file": "../outside.txt"}),
            ("check_environment", {"python": sys.executable}),
            ("explain_failure", {"file": "../outside.txt"}),
            ("date_traceback", {"file": "/etc/hosts"}),
            ("fit_model", {"model": "model"}),
        ):
            assert "lies outside the folders that may be read" in await ask(tool, **asked), (tool, asked)
        whole = await ask("check_program", programs=["."], from_file="requirements.txt")
        assert [each["file"].rpartition("/")[2] for found in whole["findings"] for each in found["places"]] == ["train.py"]
        assert any("link.py: leads to where nothing may be read" in each for each in whole["unread"])

    talk(project, conversation)


def test_no_roots_allow_nothing_but_what_the_command_line_does(project: Path) -> None:
    async def refused(ask: Ask, _: Client) -> None:
        assert "outside the folders" in await ask("check_environment", from_file=str(project / "requirements.txt"))

    async def allowed(ask: Ask, _: Client) -> None:
        assert (await ask("check_environment", from_file=str(project / "requirements.txt")))["versions"]["torch"] == "2.4.1"

    talk(project, refused, roots=())
    talk(project, allowed, "--root", str(project), roots=())


def test_a_failure_and_the_answer_to_its_question(project: Path) -> None:
    (project / "log.txt").write_text(FAILURE)

    async def conversation(ask: Ask, _: Client) -> None:
        for asked in ({"text": FAILURE}, {"file": "log.txt"}):
            answer = await ask("explain_failure", **asked)
            (failure,) = answer["failures"]
            assert failure["exception"] == "NotImplementedError"
            assert failure["place"] == "/srv/app/serve.py:12 in <module>"
            assert answer["versions"]["accelerate"] == "1.0.1"
        question = failure["question"]
        value = next(iter(question["answers"]))
        again = await ask("explain_failure", text=FAILURE, facts={question["fact"]: value})
        assert again["failures"][0]["causes"] != failure["causes"]
        assert (await ask("date_traceback", text=FAILURE))["datings"][0]["package"] == "torch"
        assert await ask("explain_failure") == "Error executing tool explain_failure: either `text` or `file` is needed"

    talk(project, conversation)


def test_secrets_and_homes_pass_the_gate(project: Path) -> None:
    token, home = "hf_AbCdEfGhIjKlMnOpQrStUvWxYz012345", str(project.parent / "home")

    async def conversation(ask: Ask, _: Client) -> None:
        answer = json.dumps(await ask("explain_failure", text=FAILURE.replace("/srv/app", home).replace("no data!", f"no data! token={token}")))
        assert token not in answer
        assert home not in answer
        refused = await ask("explain_failure", file=f"/no/{token}")
        assert token not in refused

    talk(project, conversation, variables={"HOME": home})


def test_long_answers_have_pages(project: Path) -> None:
    async def conversation(ask: Ask, _: Client) -> None:
        first = await ask("lookup_advisory", package="transformers")
        pages = [await ask("lookup_advisory", package="transformers", page=number) for number in range(1, first["pages"] + 1)]
        ids = [each["id"] for page in pages for each in page["advisories"]]
        assert first["pages"] > 1
        assert len(set(ids)) == len(ids) == first["count"]
        assert "there are" in await ask("lookup_advisory", package="transformers", page=first["pages"] + 1)
        bitten = await ask("lookup_advisory", package="transformers", version="4.51.3", severity="silent")
        assert 0 < bitten["count"] < first["count"]

    talk(project, conversation)


def test_what_is_long_is_cut_and_has_pages(project: Path) -> None:
    """A program that sets much off in files of long names, and a text of long failures: `ask` holds each answer against its size."""
    folder = project / ("deep" * 50) / ("deeper" * 40)
    folder.mkdir(parents=True)
    for number in range(30):
        (folder / f"{number}_{'n' * 150}.py").write_text(PROGRAM.replace('"m"', f'"{"m" * 150}"'))
    failures = "\n".join(FAILURE.replace("no data!", f"no data! {number} " + "\N{SNOWMAN}x" * 20_000) for number in range(5))

    async def conversation(ask: Ask, _: Client) -> None:
        first = await ask("check_program", programs=["."], from_file="requirements.txt")
        for page in range(1, first["pages"] + 1):
            assert (await ask("check_program", programs=["."], from_file="requirements.txt", page=page))["findings"]
        explained = await ask("explain_failure", text=failures)
        assert explained["failures"][0]["causes"][0]["remedy"]
        for each in builtin_matrix().advisories:
            (whole,) = (await ask("lookup_advisory", id=each.id))["advisories"]
            assert each.trigger.startswith(whole["trigger"].removesuffix("\N{HORIZONTAL ELLIPSIS}"))

    talk(project, conversation)


def test_nothing_runs_unless_it_is_asked_for(project: Path) -> None:
    """A start-up file of the environment writes down that its Python was started, a torch that it was imported; until then neither is."""
    environment = project / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    packages = next(environment.glob("lib/python*/site-packages")) if sys.platform != "win32" else environment / "Lib" / "site-packages"
    (packages / "told.pth").write_text(f"import os; open({str(project / 'started')!r}, 'w')\n")
    (project / "torch.py").write_text(f"open({str(project / 'imported')!r}, 'w')\n")
    model = project / "model"
    model.mkdir()
    (model / "config.json").write_text(json.dumps(CONFIG))

    async def conversation(ask: Ask, _: Client) -> None:
        assert (await ask("check_environment"))["python"] is not None
        await ask("check_program", programs=["train.py"])
        await ask("fit_model", model="model", gpu="0", ram="8GiB")
        await ask("explain_failure", text=FAILURE)
        assert not (project / "started").exists()
        assert not (project / "imported").exists()
        assert (await ask("check_environment", run=True))["python"] is not None
        assert (project / "started").exists()

    talk(project, conversation, variables={"PYTHONPATH": str(project)})


def test_without_its_library_one_line_says_so(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['mcp'] = None\n")
    ran = doctor("mcp", variables={"PYTHONPATH": str(tmp_path)})
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert "pip install 'meta-tensor-doctor[mcp]'" in ran.err


def test_the_page_for_agents_names_every_tool_and_document() -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "agents.md").read_text("utf-8")
    schemas = {each.removesuffix(".schema.json") for each in published_schemas()}
    assert {each for each in TOOLS | schemas if f"`{each}`" not in page} == set()
