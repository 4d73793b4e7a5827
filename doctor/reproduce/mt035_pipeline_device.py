"""MT035: pipeline(model=..., device=...) refuses a model that device_map spread over several devices."""

import _causal
import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "llama": "untied Llama, a layer on disk",
    "gpt2": "untied GPT-2, a layer on disk",
    "control": "untied GPT-2, a layer on disk, no device asked for",
}
REFUSAL = "The model has been loaded with `accelerate` and therefore cannot be moved to a specific device"


def reproduce(workdir: str, shape: str) -> Verdict:
    from transformers import pipeline

    if not _causal.takes_device_map():
        return not_applicable("this release has no device_map")
    name = "llama" if shape == "llama" else "gpt2"
    model_class, path = _causal.saved(workdir, name)
    if model_class is None:
        return not_applicable("this release has no Llama")
    model = _causal.with_layer_on_disk(model_class, path, name, workdir)
    options = {} if shape == "control" else {"device": _cpu()}
    try:
        pipeline("text-generation", model=model, tokenizer=_tokenizer(), **options)
    except (ValueError, NotImplementedError) as error:
        if _tiny.is_meta_error(error) or REFUSAL in str(error):
            return reproduced(_tiny.first_line(error))
        raise
    return not_reproduced("the pipeline is made")


def _cpu():  # type: ignore[no-untyped-def]
    """Old releases take a number only."""
    return "cpu" if _tiny.release() >= (4, 23) else -1


def _tokenizer():  # type: ignore[no-untyped-def]
    """A word-level tokenizer of three words."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    words = {"<unk>": 0, "<s>": 1, "</s>": 2}
    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel(words, unk_token="<unk>")), eos_token="</s>")
