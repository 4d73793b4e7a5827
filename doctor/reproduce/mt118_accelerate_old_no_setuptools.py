"""MT118: accelerate 0.16 to 0.20 cannot be imported without setuptools, of which pkg_resources is a part."""

import _import
from _harness import Verdict, not_applicable, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    if _import.is_there("setuptools"):
        return not_applicable("setuptools is installed: where it is too new for accelerate, that is MT117")
    ending = _import.in_new_interpreter("accelerate", workdir)
    if ending.version is not None:
        return not_reproduced(f"accelerate {ending.version} is imported without setuptools")
    if ending.error == "ModuleNotFoundError: No module named 'pkg_resources'":
        return reproduced(ending.error)
    raise AssertionError("the import fails in another way: " + ending.error)
