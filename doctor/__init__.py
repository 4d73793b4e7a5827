"""doctor: examines a PyTorch / transformers / accelerate environment for known meta-tensor problems.

The Python API:

    import doctor

    matrix = doctor.load_matrix()
    environment = doctor.examine(matrix=matrix)
    diagnosis = doctor.diagnose(environment, matrix)
    for finding in diagnosis.findings:
        print(finding.id, finding.title)

Everything is loaded on first use: `import doctor` itself costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from doctor.version import __version__

if TYPE_CHECKING:
    from doctor.api import diagnose, examine, read_programs
    from doctor.comparing import ComparedRanks, compare_ranks
    from doctor.diagnosis.diagnosis import Diagnosis
    from doctor.diagnosis.finding import Finding, Narrowing
    from doctor.diagnosis.policy import Policy
    from doctor.errors import DoctorError
    from doctor.explain.explanation import Explanation
    from doctor.explain.text import explain_lines
    from doctor.facts.environment import Environment
    from doctor.hook import explain_exception, install_excepthook
    from doctor.inspecting import ModelInspection, assert_loaded, inspect_model
    from doctor.knowledge.matrix import Advisory, Matrix
    from doctor.knowledge.matrix_file import MatrixFileError, load_matrix

_HOME = {
    "Advisory": "doctor.knowledge.matrix",
    "ComparedRanks": "doctor.comparing",
    "Diagnosis": "doctor.diagnosis.diagnosis",
    "DoctorError": "doctor.errors",
    "Environment": "doctor.facts.environment",
    "Explanation": "doctor.explain.explanation",
    "Finding": "doctor.diagnosis.finding",
    "Matrix": "doctor.knowledge.matrix",
    "MatrixFileError": "doctor.knowledge.matrix_file",
    "ModelInspection": "doctor.inspecting",
    "Narrowing": "doctor.diagnosis.finding",
    "Policy": "doctor.diagnosis.policy",
    "assert_loaded": "doctor.inspecting",
    "compare_ranks": "doctor.comparing",
    "diagnose": "doctor.api",
    "examine": "doctor.api",
    "read_programs": "doctor.api",
    "explain_exception": "doctor.hook",
    "explain_lines": "doctor.explain.text",
    "inspect_model": "doctor.inspecting",
    "install_excepthook": "doctor.hook",
    "load_matrix": "doctor.knowledge.matrix_file",
}

__all__ = [
    "Advisory",
    "ComparedRanks",
    "Diagnosis",
    "DoctorError",
    "Environment",
    "Explanation",
    "Finding",
    "Matrix",
    "MatrixFileError",
    "ModelInspection",
    "Narrowing",
    "Policy",
    "__version__",
    "assert_loaded",
    "compare_ranks",
    "diagnose",
    "examine",
    "explain_exception",
    "explain_lines",
    "inspect_model",
    "install_excepthook",
    "load_matrix",
    "read_programs",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'doctor' has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value
