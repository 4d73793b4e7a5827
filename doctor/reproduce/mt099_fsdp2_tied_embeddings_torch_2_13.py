"""MT099: FSDP2 with tied embeddings fails at the first forward on torch 2.13 and later."""

import _offload
from _harness import Verdict, not_applicable, not_reproduced, reproduced


def tied_with_embeddings() -> object:
    """The tied module with the methods by which accelerate finds its ends."""
    model = _offload.fill(_offload.tied()).eval()
    model.tie_weights()
    model.get_input_embeddings = lambda: model.embed
    model.get_output_embeddings = lambda: model.head
    return model


def prepare_and_compare() -> Verdict:
    import torch

    model = tied_with_embeddings()
    expected = _offload.run(model, _offload.ids())
    try:
        prepared = _offload.fsdp2_prepared(model)
        if prepared is None:
            return not_applicable("accelerate has no FSDP2")
        result = _offload.run(prepared, _offload.ids())
    except ValueError as error:
        if "is shared with a parameter already managed" in str(error):
            return reproduced(_offload.first_line(error))
        raise
    except AssertionError as error:
        if _offload.without_cuda(error):
            return not_applicable("FSDP2 of this release needs CUDA")
        raise
    if not torch.equal(result, expected):
        raise AssertionError("no error, but the output differs")
    return not_reproduced("the prepared model gives the output of the original")


def reproduce(workdir: str) -> Verdict:
    try:
        return prepare_and_compare()
    finally:
        _offload.leave_group()
