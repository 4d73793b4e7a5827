"""Runs inside a patient, for tools/fit_measured.py: makes small random models, and loads each for real under memory that is given.

    python fit_loads.py make FOLDER [NAME...]   # saves these architectures (none: all that this release has), says which
    python fit_loads.py load FOLDER SETTING...  # loads each under each setting, says where everything lies then

One JSON object a line. Standard library and the patient's packages only.
"""

import contextlib
import functools
import json
import os
import sys
import types
import warnings

REMOTE = """
import torch
from transformers import PretrainedConfig, PreTrainedModel


class OwnConfig(PretrainedConfig):
    model_type = "own-model"

    def __init__(self, width=64, depth=6, **more):
        self.width, self.depth = width, depth
        super().__init__(**more)


class OwnBlock(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.up, self.down = torch.nn.Linear(width, 4 * width), torch.nn.Linear(4 * width, width)

    def forward(self, hidden):
        return hidden + self.down(self.up(hidden).relu())


class OwnModel(PreTrainedModel):
    config_class = OwnConfig
    base_model_prefix = "body"
    _no_split_modules = ["OwnBlock"]

    def __init__(self, config):
        super().__init__(config)
        self.blocks = torch.nn.ModuleList(OwnBlock(config.width) for _ in range(config.depth))
        self.scale = torch.nn.Parameter(torch.ones(config.width))
        self.register_buffer("kept", torch.zeros(config.width))
        self.post_init()

    def forward(self, hidden):
        for block in self.blocks:
            hidden = block(hidden)
        return hidden * self.scale
"""


def llama(**more):
    from transformers import LlamaConfig

    return LlamaConfig(
        **{
            "vocab_size": 512,
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_hidden_layers": 6,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": 128,
            "tie_word_embeddings": False,
            **more,
        }
    )


def untied(transformers):
    return transformers.LlamaForCausalLM(llama())


def tied(transformers):
    config = transformers.Qwen2Config(
        vocab_size=512,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=6,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=True,
    )
    return transformers.Qwen2ForCausalLM(config)


def tied_gpt2(transformers):
    return transformers.GPT2LMHeadModel(transformers.GPT2Config(vocab_size=512, n_embd=64, n_layer=6, n_head=4, n_positions=128))


def encoder_decoder(transformers):
    config = transformers.T5Config(vocab_size=512, d_model=64, d_kv=16, d_ff=128, num_layers=4, num_heads=4, decoder_start_token_id=0)
    return transformers.T5ForConditionalGeneration(config)


def speech_positions(transformers):
    config = transformers.M2M100Config(
        vocab_size=512,
        d_model=64,
        encoder_layers=3,
        decoder_layers=3,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=128,
        decoder_ffn_dim=128,
        max_position_embeddings=128,
    )
    return transformers.M2M100ForConditionalGeneration(config)


def experts(transformers):
    config = transformers.MixtralConfig(
        vocab_size=512,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        num_local_experts=4,
        max_position_embeddings=128,
    )
    return transformers.MixtralForCausalLM(config)


def buffers(transformers):
    config = transformers.GPTJConfig(vocab_size=512, n_positions=128, n_embd=64, n_layer=6, n_head=4, rotary_dim=16, tie_word_embeddings=False)
    return transformers.GPTJForCausalLM(config)


def masked(transformers):
    config = transformers.BertConfig(
        vocab_size=512, hidden_size=64, intermediate_size=128, num_hidden_layers=6, num_attention_heads=4, max_position_embeddings=128
    )
    return transformers.BertForMaskedLM(config)


def vision_language(transformers):
    vision = transformers.CLIPVisionConfig(
        hidden_size=64, intermediate_size=128, num_hidden_layers=3, num_attention_heads=4, image_size=32, patch_size=8, projection_dim=64
    )
    config = transformers.LlavaConfig(vision_config=vision, text_config=llama(vocab_size=520), image_token_index=511)
    return transformers.LlavaForConditionalGeneration(config)


def unet(_):
    import diffusers

    return diffusers.UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(32, 64),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        layers_per_block=1,
        cross_attention_dim=32,
        attention_head_dim=8,
        norm_num_groups=8,
    )


ARCHITECTURES = (untied, tied, tied_gpt2, encoder_decoder, speech_positions, experts, buffers, masked, vision_language, unet)


def make(folder, names):
    import torch
    import transformers

    torch.manual_seed(0)
    for build in ARCHITECTURES:
        name = build.__name__
        if names and name not in names:
            continue
        try:
            model = build(transformers)
            model.save_pretrained(os.path.join(folder, name))
        except Exception as error:
            say(name=name, error="%s: %s" % (type(error).__name__, error))
            continue
        say(name=name, bytes=model_bytes(model))
    if not names or "remote_code" in names:
        make_remote(os.path.join(folder, "remote_code"))


def make_remote(folder):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "modeling_own.py"), "w", encoding="utf-8") as file:
        file.write(REMOTE)
    sys.path.insert(0, folder)
    import modeling_own

    model = modeling_own.OwnModel(modeling_own.OwnConfig())
    model.save_pretrained(folder)
    path = os.path.join(folder, "config.json")
    with open(path, encoding="utf-8") as file:
        config = json.load(file)
    config["auto_map"] = {"AutoConfig": "modeling_own.OwnConfig", "AutoModel": "modeling_own.OwnModel"}
    with open(path, "w", encoding="utf-8") as file:
        json.dump(config, file)
    say(name="remote_code", bytes=model_bytes(model))


def model_bytes(model):
    tensors = {id(each): each for each in (*model.parameters(), *model.buffers())}.values()
    return sum(each.numel() * each.element_size() for each in tensors)


def load(folder, settings):
    for setting in settings:
        say(**loaded(folder, json.loads(setting)))


def loaded(folder, setting):
    """What from_pretrained made of one setting: the map it set, and what lies on meta."""
    import torch

    name = setting["name"]
    path = os.path.join(folder, name)
    from_pretrained, options = loader(path)
    options.update(device_map=setting["device_map"], offload_folder=os.path.join(folder, "offloaded"))
    if setting.get("max_memory"):
        options["max_memory"] = {int(key) if key.isdigit() else key: value for key, value in setting["max_memory"].items()}
    options["torch_dtype"] = getattr(torch, setting["dtype"])
    found = {"name": name, "setting": setting["setting"]}
    maps = []
    with maps_told(maps):
        try:
            model = from_pretrained(path, **options)
        except Exception as error:
            return {**found, "error": "%s: %s" % (type(error).__name__, error), "map": maps[-1] if maps else None}
    # Of a model that is on one device, transformers 5 keeps no map.
    device_map = getattr(model, "hf_device_map", None) or (maps[-1] if maps else {"": str(model.device)})
    meta = [each for _, each in model.named_parameters() if each.device.type == "meta"]
    meta_buffers = [name for name, each in model.named_buffers() if each.device.type == "meta"]
    return {
        **found,
        "map": {key: str(value) for key, value in device_map.items()},
        "meta": len(meta),
        "meta_parameters": sum(each.numel() for each in meta),
        "meta_buffers": meta_buffers,
        "parameters": sum(each.numel() for _, each in model.named_parameters()),
        "bytes": model_bytes(model),
    }


def loader(path):
    """What loads the model in a folder, with the options that it takes for that."""
    import transformers

    with open(os.path.join(path, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    if "_diffusers_version" in config:
        import diffusers

        return getattr(diffusers, config["_class_name"]).from_pretrained, {}
    if "auto_map" in config:
        return transformers.AutoModel.from_pretrained, {"trust_remote_code": True}
    return getattr(transformers, config["architectures"][0]).from_pretrained, {}


@contextlib.contextmanager
def maps_told(maps):
    """Have each device map that is decided on, or used, put into a list: of a load that fails on its way, too."""
    from accelerate.big_modeling import dispatch_model
    from accelerate.utils.modeling import infer_auto_device_map

    def told(device_map):
        maps.append({key: str(value) for key, value in device_map.items()})
        return device_map

    @functools.wraps(infer_auto_device_map)  # whose signature transformers looks at
    def infer(*arguments, **named):
        return told(infer_auto_device_map(*arguments, **named))

    def dispatch(model, device_map, *others, **named):
        return dispatch_model(model, told(device_map), *others, **named)

    replace_everywhere({infer_auto_device_map: infer, dispatch_model: dispatch})
    try:
        yield
    finally:
        replace_everywhere({infer: infer_auto_device_map, dispatch: dispatch_model})


def replace_everywhere(others):
    """In each module that has imported one of these functions, under whatever name."""
    for module in list(sys.modules.values()):
        for name, value in list(getattr(module, "__dict__", {}).items()):
            if isinstance(value, types.FunctionType) and value in others:
                setattr(module, name, others[value])


def say(**facts):
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TRANSFORMERS_VERBOSITY="error")
    if sys.argv[1] == "make":
        make(sys.argv[2], sys.argv[3:])
    else:
        load(sys.argv[2], sys.argv[3:])
