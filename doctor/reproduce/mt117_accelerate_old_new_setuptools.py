"""MT117: accelerate 0.16 to 0.20 cannot be imported beside a setuptools that brings no pkg_resources any more."""

import _import
from _harness import Verdict, not_applicable, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    if not _import.is_there("setuptools"):
        return not_applicable("setuptools is not installed: what fails then is MT118")
    ending = _import.in_new_interpreter("accelerate", workdir)
    if ending.version is not None:
        return not_reproduced(f"accelerate {ending.version} is imported")
    setuptools = _import.in_new_interpreter("setuptools", workdir)
    if ending.error == "ModuleNotFoundError: No module named 'pkg_resources'" and setuptools.version is not None:
        return reproduced(f"{ending.error}, beside setuptools {setuptools.version}")
    raise AssertionError("the import fails in another way: " + ending.error)
