"""Build hook: compiles `data/compat.yaml` to JSON, so that an installed doctor starts without parsing YAML."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent


class CompileMatrix(BuildHookInterface[BuilderConfig]):
    """Writes `doctor/compiled/compat.json`, which `doctor.knowledge.matrix_file` uses only while it matches the YAML."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Refuse to build with a matrix that has faults."""
        sys.path.insert(0, str(ROOT))
        from doctor.knowledge.matrix_file import COMPILED, compile_matrix

        source = ROOT / "data" / "compat.yaml"
        COMPILED.parent.mkdir(exist_ok=True)
        COMPILED.write_text(compile_matrix(source.read_bytes(), str(source)), encoding="utf-8")
