"""MT035: pipeline(model=..., device=...) refuses a model that device_map spread over several devices."""

import os

import _tiny
from _harness import Verdict, not_reproduced, reproduced

REFUSAL = "The model has been loaded with `accelerate` and therefore cannot be moved to a specific device"


def reproduce(workdir: str) -> Verdict:
    from transformers import LlamaForCausalLM, pipeline

    path = _tiny.saved_llama(workdir)
    model = LlamaForCausalLM.from_pretrained(path, device_map=_tiny.LAYER_ON_DISK, offload_folder=os.path.join(workdir, "offload"))
    try:
        pipeline("text-generation", model=model, tokenizer=_tokenizer(), device="cpu")
    except (ValueError, NotImplementedError) as error:
        if _tiny.is_meta_error(error) or REFUSAL in str(error):
            return reproduced(_tiny.first_line(error))
        raise
    return not_reproduced("the pipeline is made")


def _tokenizer():  # type: ignore[no-untyped-def]
    """A word-level tokenizer of three words."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    words = {"<unk>": 0, "<s>": 1, "</s>": 2}
    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel(words, unk_token="<unk>")), eos_token="</s>")
