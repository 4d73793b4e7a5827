"""The faults of an installation itself, as findings. Ids are stable; each remedy is one sentence, `{package}` filled in."""

from __future__ import annotations

from doctor.facts.frozen import Frozen
from doctor.knowledge.matrix import Severity


class KnownFault(Frozen):
    """What is said of one kind of fault."""

    id: str
    severity: Severity
    title: str
    remedy: str
    reference: str


_METADATA = "https://packaging.python.org/en/latest/specifications/recording-installed-packages/"
_DIRECT_URL = "https://packaging.python.org/en/latest/specifications/direct-url/"
_PATH = "https://docs.python.org/3/library/sys_path_init.html"
_START = "https://pytorch.org/get-started/locally/"
_CUDA = "https://docs.nvidia.com/deploy/cuda-compatibility/"

KNOWN_FAULTS = {
    "duplicate-metadata": KnownFault(
        "IN001", "error", "{package} is recorded more than once",
        "Uninstall {package} until none is left, then install it once: what is imported may be a mixture of two releases.", _METADATA,
    ),
    "unreadable-metadata": KnownFault(
        "IN002", "error", "the metadata of {package} cannot be read",
        "Remove the folder named above and install {package} again: installers and version checks read this file.", _METADATA,
    ),
    "missing-metadata": KnownFault(
        "IN003", "error", "the metadata of {package} is missing",
        "Remove the folder named above and install {package} again: an install or uninstall was cut short.", _METADATA,
    ),
    "half-uninstalled": KnownFault(
        "IN004", "error", "{package} is only half there",
        "Remove the folder named above, then install {package} again: an install or uninstall was cut short.", _METADATA,
    ),
    "not-a-release": KnownFault(
        "IN005", "warning", "{package} is not a published release",
        "Install a release of {package} to rule its source out; findings about {package} are `possible` until then.", _DIRECT_URL,
    ),
    "shadowed-module": KnownFault(
        "IN006", "error", "a local file or folder shadows {package}",
        "Rename it, or run Python from another folder: `import` takes it instead of the installed {package}.", _PATH,
    ),
    "version-mismatch": KnownFault(
        "IN007", "error", "{package} says two versions of itself",
        "Uninstall {package} and install it again: the files on disk are not of the release that is recorded.", _METADATA,
    ),
    "torch-import-fails": KnownFault(
        "IN008", "error", "torch is installed but cannot be imported",
        "Install torch again, in the build for this machine (see the link); no model loads before that.", _START,
    ),
    "torch-missing": KnownFault(
        "IN009", "error", "torch is not installed in this environment",
        "Install torch in the build for this machine (see the link), or examine another environment with --python.", _START,
    ),
    "cpu-build-with-gpu": KnownFault(
        "IN010", "warning", "torch is built without GPU support, but the machine has a GPU",
        "Install a CUDA (or ROCm) build of torch (see the link); until then models load on the CPU or are offloaded.", _START,
    ),
    "driver-too-old": KnownFault(
        "IN011", "error", "the GPU driver is too old for this build of torch",
        "Update the NVIDIA driver, or install torch in a build for the driver's CUDA version.", _CUDA,
    ),
    "gpu-without-driver": KnownFault(
        "IN012", "error", "torch is built for CUDA, but no NVIDIA driver answers",
        "Install or load the NVIDIA driver (in a container: start it with GPU access).", _CUDA,
    ),
    "stated-version-contradicted": KnownFault(
        "IN014", "warning", "{package} is of another release than the traceback",
        "Print {package}.__version__ and {package}.__file__ in the program that fails: what is said here goes by its traceback.", _PATH,
    ),
    "gpu-not-in-build": KnownFault(
        "IN013", "error", "this build of torch carries no code for the GPU",
        "Install a build of torch whose architectures include the GPU's compute capability.", _START,
    ),
    "unfinished-fix": KnownFault(
        "IN015", "error", "a change that `doctor fix` was making was cut short",
        "Run `doctor fix`: it offers to finish it, or to put back what was there before.", _METADATA,
    ),
}  # fmt: skip
