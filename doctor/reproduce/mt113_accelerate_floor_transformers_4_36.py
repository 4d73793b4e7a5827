"""MT113: transformers 4.36 to 4.44 treats accelerate older than 0.21.0 as not installed."""

import _floor
import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    import accelerate

    floor = _floor.declared()
    if floor != "0.21.0":
        return not_applicable("this transformers asks for accelerate %s, not 0.21.0" % floor)
    try:
        _floor.load_with_map(workdir)
    except ImportError as error:
        if "requires Accelerate: `pip install accelerate`" in str(error):
            return reproduced("accelerate %s is there, but %s" % (accelerate.__version__, _tiny.first_line(error)))
        raise
    return not_reproduced("loaded with a device_map by accelerate %s, all tensors equal" % accelerate.__version__)
