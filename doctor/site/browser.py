"""What the explain page runs: Pyodide's files, and the very Python of this doctor with what it imports, as one archive."""

from __future__ import annotations

import importlib.util
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

from doctor.errors import DoctorError
from doctor.knowledge.matrix_file import builtin_file, compile_matrix
from doctor.knowledge.updates import own_yaml

RUNTIME = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json")
"""The files of the npm package `pyodide` that a browser loads."""
_NOTICE = """\
What lies here, beside doctor's own files in doctor.zip (Apache-2.0):
  Pyodide {pyodide}: MPL-2.0, its source is at https://github.com/pyodide/pyodide; with it CPython (PSF-2.0) and what its standard library holds
  packaging {packaging}: Apache-2.0 or BSD-2-Clause, https://github.com/pypa/packaging
  PyYAML {PyYAML}: MIT, https://github.com/yaml/pyyaml
"""
_PACKAGE = Path(__file__).resolve().parents[1]
_ROOMS = ("dating", "diagnosis", "explain", "facts", "hazards", "knowledge", "models", "readers", "reports", "upgrade")
"""What explaining a text imports from."""
_MODULES = ("__init__.py", "errors.py", "files.py", "version.py", "site/__init__.py", "site/explained.py")
_IMPORTED = ("packaging", "yaml")
"""Packages that these import. Of PyYAML its own Python does where the part in C is not."""
_DAY = (2020, 1, 1, 0, 0, 0)
"""Of every file in the archive: the same files are the same archive."""


def runtime(folder: Path) -> Mapping[str, bytes]:
    """Pyodide's files from the folder of its npm package, and a notice of whose they are. Raises `DoctorError` where one is not there."""
    missing = next((name for name in ("package.json", *RUNTIME) if not (folder / name).is_file()), None)
    if missing is not None:
        raise DoctorError(f"--pyodide {folder}: {missing} is not in it; name the folder of the npm package: `npm install pyodide`")
    package = json.loads((folder / "package.json").read_text("utf-8"))
    named = {name: version(name) for name in ("packaging", "PyYAML")}
    notice = _NOTICE.format(pyodide=package["version"], **named).encode("utf-8")
    return {**{name: (folder / name).read_bytes() for name in RUNTIME}, "NOTICE.txt": notice}


def archive() -> bytes:
    """doctor as far as explaining goes, the data it reads, and what it imports."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in sorted({**_own(), **_imported()}.items()):
            file.writestr(zipfile.ZipInfo(name, _DAY), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _own() -> Mapping[str, bytes]:
    inside = (each for room in _ROOMS for each in (_PACKAGE / room).rglob("*"))
    modules = [*(_PACKAGE / each for each in _MODULES), *(each for each in inside if each.suffix in (".py", ".txt"))]
    data = builtin_file().parent
    named = [data / "causes.json", data / "releases.json", *sorted((data / "fingerprints").iterdir())]
    files = {f"doctor/{each.relative_to(_PACKAGE).as_posix()}": each for each in modules}
    files |= {f"doctor/data/{each.relative_to(data).as_posix()}": each for each in named}
    yaml = own_yaml()
    matrix = {"doctor/data/compat.yaml": yaml, "doctor/compiled/compat.json": compile_matrix(yaml, "compat.yaml").encode("ascii")}
    return {**{name: each.read_bytes() for name, each in files.items()}, **matrix}


def _imported() -> Mapping[str, bytes]:
    return {name: each.read_bytes() for package in _IMPORTED for name, each in _python_of(package)}


def _python_of(package: str) -> Iterator[tuple[str, Path]]:
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise DoctorError(f"{package}: is not where it was installed")
    folder = Path(found.origin).parent
    yield from ((f"{package}/{each.relative_to(folder).as_posix()}", each) for each in folder.rglob("*.py"))
