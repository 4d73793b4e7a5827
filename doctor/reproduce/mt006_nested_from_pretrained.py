"""MT006: a model whose __init__ calls another from_pretrained is refused."""

import os

import _tiny
from _harness import Verdict, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    from transformers import BertModel, LlamaConfig, PreTrainedModel

    inner_path = _tiny.saved_bert(workdir)
    inner_reference = _tiny.reference_state(inner_path)

    class WithEncoder(PreTrainedModel):
        config_class = LlamaConfig

        def __init__(self, config):  # type: ignore[no-untyped-def]
            super().__init__(config)
            self.encoder = BertModel.from_pretrained(inner_path)
            self.post_init()

        def _init_weights(self, module):  # type: ignore[no-untyped-def]
            pass

    path = _tiny.saved(WithEncoder, _tiny.llama_config(), os.path.join(workdir, "outer"))
    try:
        model = WithEncoder.from_pretrained(path)
    except RuntimeError as error:
        if _tiny.is_context_refusal(error):
            return reproduced(_tiny.first_line(error))
        raise
    wrong = _tiny.differences(model.encoder, inner_reference)
    if wrong:
        raise AssertionError("loaded, but wrong: " + _tiny.summary(wrong))
    return not_reproduced("all %d tensors of the inner model as in its reference" % len(inner_reference))
