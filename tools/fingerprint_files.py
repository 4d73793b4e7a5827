"""Which files of which distributions are fingerprinted: those that can stand in the traceback of a model being loaded, moved or run."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Selection:
    """Which files of a distribution are fingerprinted, from which release on."""

    since: str
    files: str
    """Globs, of which `*` stays inside a folder, `{a,b}` is either, and those after `!` are left out again."""

    def pattern(self) -> re.Pattern[str]:
        """Matches the whole name of every file selected."""
        wanted, _, unwanted = self.files.partition("!")
        return re.compile(f"(?!(?:{_either(unwanted)})$)(?:{_either(wanted)})" if unwanted else _either(wanted))


def _either(globs: str) -> str:
    translate = {"*": "[^/]*", "{": "(?:", "}": ")", ",": "|", ".": r"\."}
    return "|".join("".join(translate.get(each, each) for each in glob) for glob in globs.split())


_MODELS = (
    "bart,bert,bit,blip,blip_2,bloom,clip,cohere,deberta_v2,deepseek_v3,detr,distilbert,falcon,gemma,gemma2,gemma3,gpt2,gpt_bigcode,gpt_neox,gpt_oss,"
    "gptj,idefics3,llama,llava,llava_next,marian,mbart,mistral,mixtral,mllama,mt5,olmo,opt,paligemma,phi,phi3,qwen2,qwen2_5_vl,qwen2_moe,qwen2_vl,"
    "qwen3,qwen3_moe,roberta,sam,siglip,speecht5,starcoder2,swin,t5,vit,vits,wav2vec2,whisper,xlm_roberta"
)
SELECTIONS = {
    "accelerate": Selection(
        "0.15",
        "accelerate/{*,utils/*,commands/accelerate_cli,commands/launch}.py ! accelerate/utils/{ao,rich,tqdm,torch_xla,megatron_lm}.py",
    ),
    "bitsandbytes": Selection("0.35", "bitsandbytes/{*,nn/*,autograd/*,backends/*,backends/*/ops,optim/optimizer}.py"),
    "deepspeed": Selection(
        "0.7",
        "deepspeed/{__init__,comm/comm,inference/*,runtime/*,runtime/zero/*,utils/*}.py"
        " deepspeed/module_inject/{auto_tp,layers,load_checkpoint,replace_module}.py",
    ),
    "diffusers": Selection(
        "0.8",
        "diffusers/{configuration_utils,modeling_utils,pipeline*,loaders,loaders/*,hooks/*,quantizers/*,quantizers/*/*}.py diffusers/models/*.py"
        " diffusers/models/{autoencoders,transformers,unets}/{autoencoder_kl,transformer_flux,transformer_2d,transformer_sd3,unet_2d_condition}.py"
        " diffusers/pipelines/{pipeline*,free_init_utils}.py"
        " diffusers/utils/{accelerate_utils,hub_utils,import_utils,loading_utils,peft_utils,state_dict_utils,torch_utils}.py"
        " ! diffusers/{pipeline_flax*,modeling_flax*,models/*flax*,pipelines/pipeline_flax*}.py",
    ),
    "langchain": Selection("0", "langchain/embeddings/{huggingface,self_hosted_hugging_face}.py langchain/llms/huggingface_*.py"),
    "langchain-community": Selection("0", "langchain_community/{embeddings,llms,cross_encoders}/{huggingface*,sentence_transformer}.py"),
    "langchain-huggingface": Selection("0", "langchain_huggingface/{chat_models,embeddings,llms,utils}/*.py"),
    "peft": Selection(
        "0",
        "peft/{*,utils/*,tuners/*,tuners/lora/*}.py peft/tuners/{adalora,boft,ia3,loha,lokr,oft,randlora,vera}/{model,layer,bnb}.py",
    ),
    "safetensors": Selection("0.2", "safetensors/{__init__,torch,numpy}.py"),
    "sentence-transformers": Selection(
        "2.0",
        "sentence_transformers/{*,models/*,util/*,base/*,base/*/*,cross_encoder/*,sparse_encoder/*,sentence_transformer/*,sentence_transformer/*/*}.py"
        " ! sentence_transformers/{evaluation,losses,datasets,*/losses,*/evaluation,*/datasets}/*.py sentence_transformers/{,*/}model_card*.py",
    ),
    "torch": Selection(
        "1.9",
        "torch/{__init__,_compile,_decomp/*,_meta_registrations,_ops,_prims/__init__,_prims_common/*,_refs/__init__,_refs/nn/functional/__init__}.py"
        " torch/{_library/*,_subclasses/*,_tensor,_utils,_weights_only_unpickler,amp/*,functional,hub,library,overrides}.py"
        " torch/{random,serialization,storage}.py"
        " torch/autograd/{__init__,function,grad_mode,graph}.py torch/cuda/{__init__,memory}.py torch/_dynamo/{eval_frame,external_utils}.py"
        " torch/distributed/{utils,distributed_c10d,_composable/*,_composable/fsdp/*,_tensor/*,checkpoint/state_dict,fsdp/*,fsdp/_fully_shard/*}.py"
        " torch/distributed/{algorithms/_checkpoint/checkpoint_wrapper,c10d_logger,elastic/multiprocessing/errors/__init__,launcher/api,run}.py"
        " torch/distributed/{tensor/*,tensor/parallel/*}.py torch/multiprocessing/spawn.py"
        " torch/nn/{functional,init,parameter,modules/*,parallel/*,utils/*}.py torch/optim/{adam,adamw,optimizer,sgd}.py torch/jit/_serialization.py"
        " torch/utils/{_contextlib,_device,_foreach_utils,_python_dispatch,_pytree,checkpoint,data/dataloader,hooks}.py",
    ),
    "transformers": Selection(
        "4.20",
        "transformers/{*,distributed/*,generation/*,generation/continuous_batching/*,integrations/*,models/auto/*,pipelines/*,quantizers/*,utils/*}.py"
        f" {' '.join(f'transformers/models/{model}/modeling_{model}.py' for model in _MODELS.split(','))}"
        " ! transformers/{__init__,*_tf_*,*_flax_*,convert_*,*_slow_tokenizer*,dependency_*,file_utils,testing_utils,modelcard}.py"
        " transformers/{training_args_*,keras_*}.py"
        " transformers/generation/{tf_*,flax_*}.py transformers/models/auto/modeling_{tf,flax}_auto.py"
        " transformers/utils/{__init__,attention_visualizer,bitsandbytes_dummy,dummy_*,fx,model_parallel_utils,notebook,sentencepiece_*}.py",
    ),
}
