"""The hook, in real programs and in a real kernel: it explains what nobody catches, once, and changes nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

INSTALL = "import doctor; doctor.install_excepthook()\n"
MODEL = """
class Model:
    def __init__(self):
        self.hf_device_map = {"model.layers.0": 0, "model.layers.1": "disk"}

    def to(self, device):
        raise NotImplementedError('Cannot copy out of meta tensor; no data!')

model = Model()
"""
ENDS = {
    "the program": 'model.to("cuda")',
    "a thread": """
import threading
thread = threading.Thread(target=model.to, args=["cuda"], name="worker")
thread.start()
thread.join()
print("goes on")
""",
    "an asyncio task": """
import asyncio

async def load():
    model.to("cuda")

async def serve():
    asyncio.create_task(load(), name="loading")
    await asyncio.sleep(0.01)
    print("goes on")

asyncio.run(serve())
""",
    "an asyncio callback": """
import asyncio

async def serve():
    asyncio.get_running_loop().call_soon(model.to, "cuda")
    await asyncio.sleep(0.01)

asyncio.run(serve())
""",
    "a finalizer": """
class Holder:
    def __del__(self):
        model.to("cuda")

holder = Holder()
del holder
print("goes on")
""",
    "the program, with a hook of its own": """
import sys
own = lambda *_: print("own hook", file=sys.stderr)
sys.excepthook, doctors = own, sys.excepthook
model.to("cuda")
""",
    "a program with an exit code of its own": """
try:
    model.to("cuda")
except NotImplementedError:
    raise SystemExit(3)
""",
    "a program with another fault": "{}['bob']",
}
EXPLAINED = ("the program", "a thread", "an asyncio task", "an asyncio callback", "a finalizer")


def ran(folder: Path, program: str) -> subprocess.CompletedProcess[str]:
    (folder / "program.py").write_text(program)
    return subprocess.run([sys.executable, "program.py"], cwd=folder, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("what", ENDS)
def test_what_is_reported_stays_as_it_is_and_is_explained_once(tmp_path: Path, what: str) -> None:
    program = MODEL + ENDS[what]
    plain, hooked = ran(tmp_path, "\n" + program), ran(tmp_path, INSTALL + program)
    assert (hooked.returncode, hooked.stdout) == (plain.returncode, plain.stdout)
    assert without_addresses(hooked.stderr).startswith(without_addresses(plain.stderr))
    assert hooked.stderr.count("offload-then-move") == (1 if what in EXPLAINED else 0), hooked.stderr


def without_addresses(text: str) -> str:
    return re.sub(r"\b0x[0-9a-f]+", "0x", text)


def test_installed_twice_it_explains_once(tmp_path: Path) -> None:
    twice = ran(tmp_path, 2 * INSTALL + MODEL + 'model.to("cuda")')
    assert twice.stderr.count("offload-then-move") == 1


def test_what_it_explains_by(tmp_path: Path) -> None:
    assert "the device map sends modules to the CPU or the disk" in ran(tmp_path, INSTALL + MODEL + 'model.to("cuda")').stderr


def test_without_a_stderr_a_program_ends_as_it_would(tmp_path: Path) -> None:
    closed = "import sys\nsys.stderr.close()\n" + MODEL + 'model.to("cuda")'
    assert ran(tmp_path, INSTALL + closed).returncode == ran(tmp_path, closed).returncode == 1


# In a notebook


class Notebook:
    """A kernel that runs cells one after the other, as Jupyter does."""

    def __init__(self, folder: Path) -> None:
        self._manager, self._client = start_new_kernel(cwd=str(folder), startup_timeout=60)

    def run(self, cell: str) -> list[str]:
        """What appears below the cell, a display each."""
        shown: list[str] = []

        def show(message: Any) -> None:
            if message["msg_type"] == "stream":
                shown.append(message["content"]["text"])
            elif message["msg_type"] == "display_data":
                shown.append(message["content"]["data"]["text/plain"])
            elif message["msg_type"] == "error":
                shown.append("\n".join(message["content"]["traceback"]))

        self._client.execute_interactive(cell, output_hook=show, timeout=60)
        return shown

    def close(self) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)
        self._manager.cleanup_resources()


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    folder = tmp_path_factory.mktemp("notebook")
    (folder / "script.py").write_text(MODEL + 'model.to("cuda")\n')
    kernel = Notebook(folder)
    kernel.run(INSTALL + MODEL)
    kernel.run(INSTALL)  # as when all cells are run again
    yield kernel
    kernel.close()


CELLS = {
    "a cell": 'model.to("cuda")',
    "a cell that awaits": 'import asyncio\nawait asyncio.sleep(0)\nmodel.to("cuda")',
    "%run": "%run script.py",
    "%time": '%time model.to("cuda")',
    "a task": """
import asyncio
async def load():
    model.to("cuda")
task = asyncio.create_task(load())
await asyncio.sleep(0)
del task
await asyncio.sleep(0)
""",
}


@pytest.mark.parametrize("cell", CELLS)
def test_a_cell_that_fails_is_explained_in_one_display(notebook: Notebook, cell: str) -> None:
    shown = notebook.run(CELLS[cell])
    failed, explained = shown[-2:]
    assert "NotImplementedError" in failed
    assert "offload-then-move" in explained
    assert sum("offload-then-move" in each for each in shown) == 1


def test_a_cell_with_another_fault_is_not_explained(notebook: Notebook) -> None:
    (failed,) = notebook.run("{}['bob']")
    assert "KeyError" in failed


def test_what_moves_on_a_terminal_is_not_stored_in_a_notebook(notebook: Notebook) -> None:
    shown = notebook.run(f"!{sys.executable} -m doctor check --python {sys.executable} | head -1")
    assert [each.partition(" ")[0] for each in "".join(shown).splitlines()] == ["Examined"]
