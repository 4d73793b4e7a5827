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

if TYPE_CHECKING:
    from doctor.api import diagnose, examine
    from doctor.diagnosis import Diagnosis, Finding, Narrowing
    from doctor.environment import Environment
    from doctor.errors import DoctorError
    from doctor.explanation import Explanation
    from doctor.hook import explain_exception, install_excepthook
    from doctor.matrix import Advisory, Matrix
    from doctor.matrix_file import MatrixFileError, load_matrix
    from doctor.reading import explain_lines

__version__ = "0.1.0"

_HOME = {
    "Advisory": "doctor.matrix",
    "Diagnosis": "doctor.diagnosis",
    "DoctorError": "doctor.errors",
    "Environment": "doctor.environment",
    "Explanation": "doctor.explanation",
    "Finding": "doctor.diagnosis",
    "Matrix": "doctor.matrix",
    "MatrixFileError": "doctor.matrix_file",
    "Narrowing": "doctor.diagnosis",
    "diagnose": "doctor.api",
    "examine": "doctor.api",
    "explain_exception": "doctor.hook",
    "explain_lines": "doctor.reading",
    "install_excepthook": "doctor.hook",
    "load_matrix": "doctor.matrix_file",
}

__all__ = [
    "Advisory",
    "Diagnosis",
    "DoctorError",
    "Environment",
    "Explanation",
    "Finding",
    "Matrix",
    "MatrixFileError",
    "Narrowing",
    "__version__",
    "diagnose",
    "examine",
    "explain_exception",
    "explain_lines",
    "install_excepthook",
    "load_matrix",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'doctor' has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value
