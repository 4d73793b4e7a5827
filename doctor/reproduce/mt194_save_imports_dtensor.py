"""MT194: save_pretrained of transformers 4.52 imports DTensor from where torch before 2.5 does not have it."""

import _tiny
from _harness import Verdict, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    try:
        path = _tiny.saved_llama(workdir)
    except ImportError as error:
        if "cannot import name 'DTensor' from 'torch.distributed.tensor'" in str(error):
            return reproduced(_tiny.first_line(error))
        raise
    return not_reproduced("%d tensors were saved" % len(_tiny.reference_state(path)))
