"""MT140: low_cpu_mem_usage or device_map lose an added nn.Parameter that a plain load keeps."""

from typing import Any, Dict

import _added_parameter
import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "low-cpu-mem-usage": "untied Llama with a parameter more than its one file, low_cpu_mem_usage=True",
    "device-map": "the same, device_map with one device",
}
OPTIONS: Dict[str, Dict[str, Any]] = {"low-cpu-mem-usage": {"low_cpu_mem_usage": True}, "device-map": {"device_map": {"": "cpu"}}}


def reproduce(workdir: str, shape: str) -> Verdict:
    path = _tiny.saved_llama(workdir)
    try:
        wrong = _added_parameter.lost(path, **OPTIONS[shape])
    except NotImplementedError as error:
        wrong = ["scale is on meta"] if _tiny.is_meta_error(error) else [_tiny.first_line(error)]
    if wrong == ["scale is on meta"]:
        return not_applicable("this release leaves the parameter on meta: MT022")
    if wrong and _added_parameter.lost(path):
        return not_reproduced("a plain load loses it as well: MT012")
    return reproduced(wrong[0]) if wrong else not_reproduced("the parameter has the value given in __init__")
