"""MT122: the Trainer of transformers 4.30 refuses accelerate older than 0.20.1."""

import _offload
from _harness import Verdict, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    import accelerate
    from transformers import TrainingArguments

    try:
        TrainingArguments(output_dir=_offload.folder(workdir))
    except ImportError as error:
        if "requires `accelerate>=0.20.1`" in str(error):
            return reproduced(f"accelerate {accelerate.__version__} is there, but {_offload.first_line(error)}")
        raise
    return not_reproduced(f"TrainingArguments accepts accelerate {accelerate.__version__}")
