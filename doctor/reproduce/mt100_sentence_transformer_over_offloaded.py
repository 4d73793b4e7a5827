"""MT100: SentenceTransformer over a model that device_map offloads moves it and fails."""

import inspect
import os

import _offload
import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced


def saved_sentence_model(workdir: str) -> str:
    """A tiny BERT with a vocabulary, that SentenceTransformer takes."""
    from transformers import BertTokenizer

    path = _tiny.saved_bert(workdir)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "hello", "world"]
    vocabulary = os.path.join(path, "vocab.txt")
    with open(vocabulary, "w") as stream:
        stream.write("\n".join(words) + "\n")
    BertTokenizer(vocabulary).save_pretrained(path)
    return path


def reproduce(workdir: str) -> Verdict:
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError:
        return not_applicable("sentence-transformers is not installed")
    if "model_kwargs" not in inspect.signature(SentenceTransformer).parameters:
        return not_applicable("SentenceTransformer has no model_kwargs")
    path = saved_sentence_model(workdir)
    expected = SentenceTransformer(path).encode(["hello world"])
    places = {"embeddings": "cpu", "encoder.layer.0": "cpu", "encoder.layer.1": "disk", "pooler": "cpu"}
    options = {"device_map": places, "offload_folder": _offload.folder(workdir)}
    step = "the constructor"
    try:
        model = SentenceTransformer(path, model_kwargs=options)
        step = "encode"
        result = model.encode(["hello world"])
    except NotImplementedError as error:
        if "Cannot copy out of meta tensor; no data!" in str(error):
            return reproduced(f"in {step}: {_offload.first_line(error)}")
        raise
    if (result != expected).any():
        raise AssertionError("no error, but the embedding differs")
    return not_reproduced("the embedding equals that of the model without offload")
