"""MT114: transformers 4.45 to 4.57 treats accelerate older than 0.26.0 as not installed.

Up to 4.50 it says so in an ImportError that names the release, later in a ValueError that does not.
"""

import _floor
import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    import accelerate

    floor = _floor.declared()
    if floor != "0.26.0":
        return not_applicable("this transformers asks for accelerate %s, not 0.26.0" % floor)
    try:
        _floor.load_with_map(workdir)
    except (ImportError, ValueError) as error:
        if "`pip install 'accelerate>=0.26.0'`" in str(error) or "requires `accelerate`. You can install it with" in str(error):
            return reproduced("accelerate %s is there, but %s" % (accelerate.__version__, _tiny.first_line(error)))
        raise
    return not_reproduced("loaded with a device_map by accelerate %s, all tensors equal" % accelerate.__version__)
