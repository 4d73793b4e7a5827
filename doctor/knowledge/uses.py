"""What a program has to do for an advisory to bite, as data: an expression over a small published vocabulary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from doctor.facts.frozen import Frozen
from doctor.knowledge.schema import Mismatch, Path, Text

WordKind = Literal["model", "class", "unseen", "rare"]
"""Of what a word is said: a model that is loaded or built, or a class that the program defines; `unseen` words are true of a checkpoint
or a machine, and no code shows them. `rare` ones are true of so few that they are taken for untrue until they are seen."""


class Word(Frozen):
    """One use."""

    kind: WordKind
    meaning: str
    """What the code does; for an `unseen` or `rare` word, the question it leaves open."""


def _words(kind: WordKind, **meanings: str) -> dict[str, Word]:
    return {name.replace("_", "-"): Word(kind, meaning) for name, meaning in meanings.items()}


VOCABULARY: Mapping[str, Word] = {
    **_words(
        "model",
        # How it comes to be
        load="a transformers model is loaded: from_pretrained, pipeline",
        load_automodel="it is loaded by AutoModel, which has no head",
        load_diffusers="a diffusers model or pipeline is loaded",
        load_sentence_transformer="a SentenceTransformer or CrossEncoder is made",
        load_peft="an adapter and its base are loaded in one call, AutoPeftModel",
        build_on_meta="a model is built under init_empty_weights() or torch.device('meta')",
        build_empty="it is built under init_empty_weights()",
        build_on_device="it is built under torch.device('meta')",
        include_buffers="it is built under init_empty_weights(include_buffers=True)",
        # With what
        device_map="a device_map is given",
        device_map_auto="the device_map is auto, balanced or sequential, so that memory decides",
        device_map_disk="the device_map names disk",
        device_map_cpu="the device_map names cpu beside another device",
        device_map_all_disk="the device_map puts everything on disk",
        device_map_none="no device_map is given to a function that places a checkpoint",
        low_cpu_mem_usage="low_cpu_mem_usage=True",
        ignore_mismatched_sizes="ignore_mismatched_sizes=True",
        trust_remote_code="trust_remote_code=True",
        offload_state_dict="offload_state_dict=True",
        half_precision="a dtype of 16 bits is given",
        state_dict_given="from_pretrained is given a state_dict",
        # Where
        in_threads="that is reached from several threads",
        in_meta_context="a load happens under torch.device('meta'), set_default_device('meta') or init_empty_weights()",
        in_empty_context="that context is init_empty_weights(), which leaves buffers where they are",
        # What is done to it
        move=".to(device), .cuda(), or a wrapper's own move",
        forward="it is called",
        generate=".generate()",
        train="it is trained: Trainer, .backward()",
        trainer="it is given to a Trainer",
        pipeline_device="it is given to pipeline(..., device=...)",
        save="save_pretrained",
        save_bin="save_pretrained(safe_serialization=False)",
        resize_embeddings="resize_token_embeddings",
        deepcopy="copy.deepcopy",
        to_empty="to_empty",
        load_state_dict="load_state_dict",
        load_state_dict_assign="load_state_dict(..., assign=True)",
        load_state_dict_copy="load_state_dict without assign=True",
        load_state_dict_not_strict="load_state_dict(..., strict=False)",
        load_state_dict_again="load_state_dict(..., assign=True) and a later load_state_dict with the same object",
        tie_weights="tie_weights",
        prepared_again="post_init() or init_weights()",
        load_adapter="PeftModel.from_pretrained round it",
        load_adapter_empty="PeftModel.from_pretrained(..., low_cpu_mem_usage=True) round it",
        new_adapter="get_peft_model round it",
        merge_adapter="merge_and_unload",
        quantize="AutoAWQ's quantize",
        read_part_device="the .device of one of its parts is read",
        # accelerate
        infer_device_map="infer_auto_device_map is asked where it would go",
        load_checkpoint="load_checkpoint_and_dispatch or load_checkpoint_in_model",
        dispatch="dispatch_model",
        offload_index="an offload_index is given, and no offload_dir",
        cpu_offload="cpu_offload, or diffusers' sequential offload",
        disk_offload="disk_offload",
        group_offload_to_disk="diffusers' group offload with an offload_to_disk_path",
        offload_buffers="offload_buffers=True",
        preload_modules="preload_module_classes is given",
        align_module_device="align_module_device",
        remove_hooks="remove_hook_from_submodules",
        save_model="accelerator.save_model",
        load_and_quantize="load_and_quantize_model",
        prepare="Accelerator.prepare",
        fsdp1="FullyShardedDataParallel is used by hand",
        nonpersistent_helper="get_non_persistent_buffers or an offload that calls it",
    ),
    **_words(
        "class",
        own_model="a class that from_pretrained loads, or a part of one",
        loads_model_in_init="the constructor loads another model",
        moves_part_in_init="the constructor moves a part of the model",
        reads_parameter_in_init="the constructor reads the value of a parameter",
        reads_linspace_in_init="the constructor reads values out of torch.linspace",
        reads_tensor_in_init="the constructor reads the value of a tensor",
        loads_state_dict_in_init="the constructor fills a part with load_state_dict",
        new_parameter="a parameter that _init_weights does not set",
        layer_not_drawn="an LSTM, GRU, RNN, PReLU, Bilinear, EmbeddingBag, or InstanceNorm with weights, that _init_weights passes over",
        orthogonal_init="_init_weights draws by torch.nn.init.orthogonal_",
        released_base="the class extends a model that transformers ships",
        nonpersistent_buffer="a buffer with persistent=False that _init_weights does not rebuild",
        buffer="a buffer that is saved",
        init_weights_in_place="_init_weights writes in place, past the guard of the loader",
        no_post_init="the constructor does not end with post_init()",
        tied_keys_list="_tied_weights_keys is a list",
        own_tie_weights="a tie_weights() that takes no keywords",
        own_init_context="a get_init_context() that takes the parameters of some releases only",
        own_missing_keys="an _initialize_missing_keys() that takes the parameters of some releases only",
        silenced_hook="a get_init_context() or an _initialize_missing_keys() that does not call the one it overrides",
        own_conversion_mapping="_checkpoint_conversion_mapping renames keys",
        ties_by_accessor="get_output_embeddings() names the head, and _tied_weights_keys nothing",
        ties_in_init="the constructor ties weights itself",
        ties_in_init_alone="nothing else says so: no _tied_weights_keys, no tie_weights()",
        frozen_in_init="the constructor freezes parameters, or makes integer ones",
        shared_layer="one module is kept under two names",
        reads_child_weight="forward reads a child's weight without calling the child",
        default_device="a constructor places tensors by torch.get_default_device()",
    ),
    **_words(
        "unseen",
        offloaded="does all of the model fit, or is a part of it offloaded to the CPU or the disk?",
        offloaded_to_disk="does all of the model fit into memory, or is a part of it offloaded to the disk?",
        wholly_offloaded="does any of the model fit, or does all of it land on the disk?",
        tied="does the model tie its embedding and its head?",
        tied_in_file_once="does the checkpoint hold the tied tensor once?",
        tied_as_head_only="does the checkpoint hold the tied tensor as lm_head.weight only?",
        tied_under_another_name="does the checkpoint hold the shared embedding only as the encoder's, the decoder's or the head's?",
        head_beside_unshared="does the file name the embedding only as the encoder's or the decoder's, and hold another tensor as lm_head.weight?",
        lacks_tensor="does the checkpoint lack a tensor that the class has?",
        lacks_buffer="was the checkpoint saved before the class had that buffer?",
        nonpersistent_buffers="does the model have buffers that no checkpoint holds?",
        bin_checkpoint="is the checkpoint a .bin file?",
        integer_tensors="does the model hold integer tensors?",
        buffers_in_checkpoint="does the checkpoint hold buffers?",
        llama3_rope="does the configuration ask for rope_type llama3?",
        resumed="does Trainer go on from a checkpoint of its own?",
        optimizer_before="was the optimizer made before the weights were there?",
        several_nodes="do several machines take part?",
    ),
    **_words(
        "rare",
        linear_attention="does the model have linear-attention layers?",
        state_space="does the model have state-space (Mamba) layers?",
        experts="does the model have several experts in a layer?",
        converted_model_type="has the class a model_type that transformers has conversions for, such as nomic_bert?",
        singular_embedding="does the checkpoint name the embedding backbone.embedding.weight?",
        tied_in_file_twice="does the checkpoint hold both names of a tied pair, as a .bin does?",
        head_in_file_differs="does the checkpoint hold a head that is not the embedding?",
        prefixed_names="do the names in the checkpoint begin with module., _orig_mod. or base_model.model.?",
        empty_tensors="are the tensors of the checkpoint of shape [0]?",
        state_dict_saved="is the model's state_dict() saved or copied?",
        built_by_another_thread="does another thread build a model or a module meanwhile, without from_pretrained?",
    ),
}

WordName = Annotated[str, Text(r"[a-z0-9]+(-[a-z0-9]+)*", "a word of the vocabulary of uses (`doctor matrix vocabulary`)")]
ClassName = Annotated[str, Text(r"[A-Za-z_*][A-Za-z0-9_*]{0,99}", "the name of a class, with * for any characters")]


class Way(Frozen):
    """One way to set an advisory off: all of this of one and the same model or class."""

    all_: tuple[WordName, ...]
    """What it does, each of it."""
    without: tuple[WordName, ...] = ()
    """What saves the program from it."""
    classes: tuple[ClassName, ...] = ()
    """The classes that are loaded; empty: any."""


class Uses(Frozen):
    """What a program has to do for an advisory to bite."""

    any_: tuple[Way, ...] = ()
    """The ways, any of which is enough; empty where `none` says why."""
    none: Annotated[str, Text(r"\S(.*\S)?", "one line of text")] | None = None
    """Why no program shows it; None where one does."""


def uses_contradictions(uses: Uses, here: Path) -> Iterator[Mismatch]:
    """What the schema cannot see: words that are none, a way without anything a program does, neither ways nor a reason."""
    if bool(uses.any_) == (uses.none is not None):
        yield Mismatch(here, "needs either `any` with at least one way, or `none` with the reason why no program shows it")
    for index, way in enumerate(uses.any_):
        place: Path = (*here, "any", index)
        for key, words in (("all", way.all_), ("without", way.without)):
            for position, word in enumerate(words):
                if word not in VOCABULARY:
                    yield Mismatch((*place, key, position), f"{word} is not in the vocabulary of uses: `doctor matrix vocabulary` lists it")
        if all(word in VOCABULARY and VOCABULARY[word].kind in ("unseen", "rare") for word in way.all_):
            yield Mismatch((*place, "all"), "needs at least one word for what a program does")


def may_be_class(name: str, patterns: tuple[str, ...]) -> bool | None:
    """Whether a class that is loaded is one of these; None for an Auto class, which loads what the checkpoint says."""
    if any(fnmatchcase(name, pattern) for pattern in patterns):
        return True
    if not name.startswith("AutoModel"):
        return False
    head = name.removeprefix("AutoModel")
    return None if any(_may_load(head, pattern) for pattern in patterns) else False


def _may_load(head: str, pattern: str) -> bool:
    """Whether the Auto class for this head can load a class: AutoModelForCausalLM loads those that end in ForCausalLM or LMHeadModel."""
    if pattern.endswith("*"):
        return True
    if head == "ForCausalLM":
        return pattern.endswith(("ForCausalLM", "LMHeadModel"))
    if head == "ForSeq2SeqLM":
        return pattern.endswith(("ForConditionalGeneration", "MTModel"))
    return pattern.endswith(head) if head else pattern.endswith("Model")
