"""MT115: transformers treats accelerate older than 1.1.0 as not installed."""

import _offload
import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    import accelerate
    from transformers.utils.import_utils import is_torch_available

    if not is_torch_available():
        raise AssertionError("transformers does not accept this torch, so nothing can be said about accelerate")
    try:
        from transformers import LlamaForCausalLM
    except (ImportError, RuntimeError) as error:
        if "cannot import name 'get_module_size_with_ties'" in str(error):
            return not_applicable("accelerate counts as installed, but models cannot be imported (MT121)")
        raise
    path = _tiny.saved_llama(workdir)
    try:
        model = LlamaForCausalLM.from_pretrained(path, device_map={"": "cpu"})
    except (ImportError, ValueError) as error:
        if "pip install" in str(error) and "ccelerate" in str(error):
            return reproduced(f"accelerate {accelerate.__version__} is there, but {_offload.first_line(error)}")
        raise
    wrong = _tiny.differences(model, _tiny.reference_state(path))
    if wrong:
        raise AssertionError("loaded, but " + _tiny.summary(wrong))
    return not_reproduced(f"loaded with a device_map by accelerate {accelerate.__version__}, all tensors equal")
