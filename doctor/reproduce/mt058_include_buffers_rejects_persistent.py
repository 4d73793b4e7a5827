"""MT058: init_empty_weights(include_buffers=True) rejects register_buffer(persistent=...)."""

import _offload
from _harness import Verdict, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    from accelerate import init_empty_weights

    try:
        with init_empty_weights(include_buffers=True):
            model = _offload.buffered(persistent=False)
    except TypeError as error:
        if "register_empty_buffer() got an unexpected keyword argument 'persistent'" in str(error):
            return reproduced(_offload.first_line(error))
        raise
    if "p.c.scale" not in _offload.on_meta(model) or "p.c.scale" in model.state_dict():
        raise AssertionError("the buffer is not a non-persistent one on meta")
    return not_reproduced("the buffer p.c.scale is on meta and not persistent")
