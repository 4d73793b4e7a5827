"""Runs in an environment of `tools/verify_healthy.py`: small models of many architectures, loaded plainly and otherwise, none of them wrong.

python verify_healthy.py TRUTH_FOLDER      prints one JSON line a load: what was found (nothing is right)
"""

import json
import os
import sys
import tempfile
import time

from verify_silent import stored

SMALL = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 96,
    "max_position_embeddings": 64,
}  # fmt: skip
BERT = {key: value for key, value in SMALL.items() if key != "num_key_value_heads"}
ENCODER_DECODER = {
    "d_model": 32, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 4, "decoder_attention_heads": 4,
    "encoder_ffn_dim": 48, "decoder_ffn_dim": 48, "vocab_size": 96, "max_position_embeddings": 64, "pad_token_id": 0,
    "eos_token_id": 1, "decoder_start_token_id": 0, "forced_eos_token_id": 1,
}  # fmt: skip
IMAGE = {"image_size": 16, "patch_size": 8, "num_channels": 3}
ROPE = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 32}
WHISPER = {
    "num_mel_bins": 8, "max_source_positions": 16, "max_target_positions": 16, "bos_token_id": 1, "suppress_tokens": None,
    "begin_suppress_tokens": None,
}  # fmt: skip
MODELS = {
    "llama": ("LlamaForCausalLM", "LlamaConfig", SMALL),
    "llama-3.1": ("LlamaForCausalLM", "LlamaConfig", dict(SMALL, rope_scaling=ROPE)),
    "llama-tied": ("LlamaForCausalLM", "LlamaConfig", dict(SMALL, tie_word_embeddings=True)),
    "gpt2": ("GPT2LMHeadModel", "GPT2Config", {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64, "vocab_size": 96}),
    "bert": ("BertForMaskedLM", "BertConfig", BERT),
    "roberta": ("RobertaForMaskedLM", "RobertaConfig", BERT),
    "t5": ("T5ForConditionalGeneration", "T5Config", {"d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4, "vocab_size": 96}),
    "bart": ("BartForConditionalGeneration", "BartConfig", ENCODER_DECODER),
    "marian": ("MarianMTModel", "MarianConfig", dict(ENCODER_DECODER, decoder_vocab_size=96)),
    "mixtral": ("MixtralForCausalLM", "MixtralConfig", dict(SMALL, num_local_experts=4)),
    "qwen2": ("Qwen2ForCausalLM", "Qwen2Config", dict(SMALL, tie_word_embeddings=True)),
    "gemma": ("GemmaForCausalLM", "GemmaConfig", dict(SMALL, head_dim=8)),
    "falcon": ("FalconForCausalLM", "FalconConfig", {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 96}),
    "vit": ("ViTForImageClassification", "ViTConfig", dict(BERT, **IMAGE)),
    "whisper": ("WhisperForConditionalGeneration", "WhisperConfig", dict(ENCODER_DECODER, **WHISPER)),
    "wav2vec2": (
        "Wav2Vec2Model", "Wav2Vec2Config",
        dict(BERT, conv_dim=(16, 16), conv_stride=(2, 2), conv_kernel=(3, 3), num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=2),
    ),
}  # fmt: skip


def clip():
    from transformers import CLIPConfig, CLIPModel

    text, vision = dict(BERT, bos_token_id=1, eos_token_id=2), dict(BERT, **IMAGE)
    return CLIPModel, CLIPConfig(text_config=text, vision_config=vision, projection_dim=16)


def llava():
    from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration

    vision = CLIPVisionConfig(**dict(BERT, projection_dim=16, **IMAGE))
    return LlavaForConditionalGeneration, LlavaConfig(vision_config=vision, text_config=LlamaConfig(**SMALL), image_token_index=95)


def loads(transformers, name, kind, path, work):
    """Ways to load it, none of which is known to go wrong in the releases that this runs on."""
    numbers = transformers.__version__.split(".")
    option = "dtype" if (int(numbers[0]), int(numbers[1])) >= (4, 56) else "torch_dtype"
    yield "plain", lambda: kind.from_pretrained(path)
    if name in ("llama", "bert", "t5", "mixtral"):
        yield "bfloat16", lambda: kind.from_pretrained(path, **{option: sys.modules["torch"].bfloat16})
    if name in ("llama", "gpt2", "qwen2", "mixtral"):
        yield "without its head", lambda: transformers.AutoModel.from_pretrained(path)
        yield "device_map cpu", lambda: kind.from_pretrained(path, device_map={"": "cpu"})
    if name == "llama":
        places = dict.fromkeys(("model.embed_tokens", "model.layers.0", "model.norm", "lm_head", "model.rotary_emb"), "cpu")
        places["model.layers.1"] = "disk"
        yield "a layer on disk", lambda: kind.from_pretrained(path, device_map=places, offload_folder=os.path.join(work, "offload"))


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    os.environ.update({"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"})
    sys.path.insert(0, sys.argv[1])
    import torch
    import transformers
    import truth
    import truth.files

    def say(**facts):
        answers.write("\n" + json.dumps(facts) + "\n")
        answers.flush()

    made = {name: (lambda each=each: (getattr(transformers, each[0]), getattr(transformers, each[1])(**each[2]))) for name, each in MODELS.items()}
    made.update(clip=clip, llava=llava)
    for name, make in made.items():
        with tempfile.TemporaryDirectory() as work:
            torch.manual_seed(7)
            try:
                kind, config = make()
                path = os.path.join(work, "model")
                kind(config).save_pretrained(path, max_shard_size="20KB" if name in ("qwen2", "bart") else "5GB")
            except Exception as error:
                say(model=name, load="", error="cannot be made here: %s: %s" % (type(error).__name__, str(error)[:100]))
                continue
            for how, load in loads(transformers, name, kind, path, work):
                try:
                    begun = time.time()
                    model = load()
                    loaded = time.time()
                    tensors, pickled = stored(truth.files, path)
                    answer = truth.inspect(torch, model, tensors, pickled)
                    say(model=name, load=how, seconds=[loaded - begun, time.time() - loaded], answer=answer, error=None)
                except Exception as error:
                    say(model=name, load=how, error="%s: %s" % (type(error).__name__, str(error)[:200]))


if __name__ == "__main__":
    main()
