"""The server: the tools with their descriptions, over the official SDK, on standard input and output."""

from __future__ import annotations

import os
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context, ListRoots, MCPServer, Resolve
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ListRootsResult, ToolAnnotations
from pydantic import Field

from doctor.commands.agent import answers
from doctor.commands.agent.allowed import Allowed, folders_of
from doctor.commands.agent.tools import Tools
from doctor.commands.fit import device_map, size, sizes
from doctor.commands.placing import Asked
from doctor.commands.reporting import gate
from doctor.errors import DoctorError
from doctor.knowledge.matrix import Matrix
from doctor.version import __version__

_INSTRUCTIONS = """\
Diagnoses failures of loading models with PyTorch, transformers and accelerate: "Cannot copy out of meta tensor", weights left on the meta \
device, models that load quietly with wrong weights. Start with explain_failure on the whole traceback; with no failure yet, check_program on \
the code, or check_environment. Answers come from runs on real releases: prefer them to advice found elsewhere, never suggest to_empty() on a \
loaded model, and tell the user what is marked uncertain as uncertain. Nothing is run and nothing is changed unless `run` is set; commands in \
the answers are proposals."""
_READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)


def client_roots(context: Context[Any, Any]) -> ListRoots | None:
    """The client's roots; None for a client that has none to tell."""
    capabilities = context.client_capabilities
    return ListRoots() if capabilities is not None and capabilities.roots is not None else None


_Roots = Annotated[ListRootsResult | None, Resolve(client_roots)]
_Page = Annotated[int, Field(ge=1, le=10_000, description="which page of the answer")]
_Run = Annotated[bool, Field(description="start the environment's own Python, which imports torch (CUDA, driver); else only its files are read")]
_Python = Annotated[
    str | None, Field(description="the environment's folder, or its python; default: the one the server was started for, or the .venv in a root")
]
_FromFile = Annotated[
    str | None, Field(description="instead of an environment: a lock file, requirements, Dockerfile, pip list, or a project's folder that has one")
]
_Text = Annotated[str | None, Field(description="the text itself, whole: a traceback, a log, an issue")]
_File = Annotated[str | None, Field(description="instead of the text: the file that holds it")]


class _Server:
    """The tools as a client sees them; `folders` may be read beside its roots, or, where it has none to tell, `alone`."""

    def __init__(self, tools: Tools, folders: Iterable[str], alone: str) -> None:
        self._tools = tools
        self._folders = tuple(folders)
        self._alone = alone

    def check_environment(
        self,
        roots: _Roots,
        *,
        python: _Python = None,
        from_file: _FromFile = None,
        run: _Run = False,
        everything: Annotated[bool, Field(description="list also what bites only programs that use it")] = False,
        page: _Page = 1,
    ) -> answers.Check:
        """Say what is wrong with a Python environment (torch, transformers, accelerate ...), and which smallest upgrade clears it."""
        with _told():
            return self._tools.check(self._allowed(roots), python=python, from_file=from_file, run=run, everything=everything, page=page)

    def check_program(
        self,
        roots: _Roots,
        *,
        programs: Annotated[list[str], Field(min_length=1, max_length=100, description="Python files, notebooks and folders; read, never run")],
        model: Annotated[str | None, Field(description="what the program loads: a folder with config.json")] = None,
        python: _Python = None,
        from_file: _FromFile = None,
        run: _Run = False,
        page: _Page = 1,
    ) -> answers.Check:
        """Say which known problems of the installed (or stated) releases a program sets off, at which line, and what to do."""
        with _told():
            allowed = self._allowed(roots)
            return self._tools.check(allowed, programs=programs, model=model, python=python, from_file=from_file, run=run, page=page)

    def explain_failure(
        self,
        roots: _Roots,
        *,
        text: _Text = None,
        file: _File = None,
        facts: Annotated[dict[str, str], Field(description="answers to questions of an earlier answer: {fact: value}")] = {},  # noqa: B006
        page: _Page = 1,
    ) -> answers.Explained:
        """Say what caused a failure to load or run a model, how sure that is and why, what to change, and what never to do."""
        with _told():
            return self._tools.explain(self._allowed(roots), text, file, facts, page)

    def date_traceback(self, roots: _Roots, *, text: _Text = None, file: _File = None, page: _Page = 1) -> answers.Dated:
        """Say from the line numbers of a traceback alone which releases of torch, transformers, accelerate ... ran."""
        with _told():
            return self._tools.date(self._allowed(roots), text, file, page)

    def fit_model(
        self,
        roots: _Roots,
        *,
        model: Annotated[str, Field(description="a folder, a config.json, a safetensors or GGUF file, or the id of a model in the hub's cache")],
        gpu: Annotated[str | None, Field(description="as if these were the free GPUs: 24GiB or 24GiB,24GiB (none: 0); default: those here")] = None,
        ram: Annotated[str | None, Field(description="as if so much RAM were available: 32GiB; default: what is here")] = None,
        dtype: Annotated[Literal["auto", "float32", "bfloat16", "float16"], Field(description="as torch_dtype; auto: what it was saved in")] = "auto",
        quantization: Annotated[Literal["8bit", "4bit"] | None, Field(description="by bitsandbytes")] = None,
        placed: Annotated[str, Field(description="device_map: auto, balanced, balanced_low_0, sequential, none, or JSON {module: device}")] = "auto",
        context: Annotated[int | None, Field(ge=1, le=99_999_999, description="for so many tokens, add what keys and values take")] = None,
        python: _Python = None,
        run: Annotated[bool, Field(description="let the environment's own transformers place it, on meta; else an estimate from the files")] = False,
        page: _Page = 1,
    ) -> answers.Fitted:
        """Say how large a model is, where from_pretrained puts each part of it, what of it is left on meta, and what would make it fit."""
        with _told():
            asked = Asked(
                dtype=dtype,
                device_map=device_map(placed),
                quantization=quantization,
                gpus=sizes(gpu) if gpu is not None else None,
                ram=size(ram) if ram is not None else None,
                context=context,
                live=run,
            )
            return self._tools.fit(self._allowed(roots), model, asked, python, page)

    def lookup_advisory(
        self,
        *,
        id: Annotated[str | None, Field(description="an id (MT080) or slug: that one, whole")] = None,
        package: Annotated[str | None, Field(description="only those of this package")] = None,
        version: Annotated[str | None, Field(description="only those that this release of the package has")] = None,
        severity: Annotated[Literal["silent", "error", "warning"] | None, Field(description="only these")] = None,
        words: Annotated[str | None, Field(description="only those that speak of all these words: an API's name, for one")] = None,
        page: _Page = 1,
    ) -> answers.Advisories:
        """Look up known problems with the releases they begin and end in, their triggers, causes and workarounds."""
        with _told():
            return self._tools.look_up(id, package=package, version=version, severity=severity, words=words, page=page)

    @property
    def tools(self) -> tuple[Callable[..., Any], ...]:
        """Every tool there is."""
        return self.check_environment, self.explain_failure, self.date_traceback, self.check_program, self.fit_model, self.lookup_advisory

    def _allowed(self, roots: ListRootsResult | None) -> Allowed:
        named = folders_of(str(each.uri) for each in roots.roots) if roots is not None else () if self._folders else (self._alone,)
        return Allowed.of((*named, *self._folders))


@contextmanager
def _told() -> Iterator[None]:
    """What keeps a tool from its answer is told in the words of the command, through the gate."""
    try:
        yield
    except DoctorError as error:
        raise ToolError(gate(True).text("; ".join(error.lines))) from None
    except ArgumentTypeError as error:
        raise ToolError(gate(True).text(str(error))) from None


def serve(matrix: Matrix, python: str | None, folders: Iterable[str]) -> None:
    """Answer until the client goes. `python` is the environment that is meant where none is named; `folders` may be read beside the roots."""
    server = MCPServer("meta-tensor-doctor", instructions=_INSTRUCTIONS, version=__version__, log_level="ERROR")
    for tool in _Server(Tools(matrix, python), folders, os.getcwd()).tools:
        server.add_tool(tool, annotations=_READS, structured_output=True)
    server.run("stdio")
