"""Names that are no secret: distributions everybody knows, hosts that serve the public, users that many machines share.

Whether a package is on a public index cannot be asked offline, so a name that stands here is shown and any other may be private.
"""

from __future__ import annotations

import sys
from pathlib import Path

_DISTRIBUTIONS = """
absl-py accelerate adapters aiofiles aiohttp albumentations altair anthropic anyio apex argilla asyncpg attrs audiocraft auto-gptq
autoawq autogluon autogluon-multimodal awscli axolotl azure-identity basicsr beautifulsoup4 bertopic bitsandbytes blis bokeh boto3
captum catboost causal-conv1d certifi chainlit chardet chromadb clean-fid cleanlab click clip-interrogator coloredlogs comet-ml
compressed-tensors contourpy controlnet-aux coqui-tts cryptography ctranslate2 cuda-python cudf cupy cupy-cuda12x cython dask datasets
deepspeed detectron2 diffusers dill dm-tree docker easyocr einops einx evaluate exllamav2 face-alignment facexlib fairscale fairseq
faiss-cpu faiss-gpu fastai fastapi fastcore fastembed faster-whisper fastparquet fastrtc filelock flair flash-attn flask flax flwr
fsspec ftfy galore-torch gensim gfpgan gguf gliner google-cloud-aiplatform google-cloud-storage gptqmodel gradio gradio-client
gruut guidance h5py haystack-ai hf-transfer hf-xet httpx huggingface-hub hydra-core imageio imagehash img2dataset instructorembedding
intel-extension-for-pytorch ipykernel ipython jax jaxlib jinja2 joblib jsonschema jupyter jupyterlab kaggle keras keybert kornia
langchain langchain-community langchain-core langchain-huggingface langgraph lightgbm lightning lightning-utilities lion-pytorch
litellm litgpt llama-cpp-python llama-index llama-index-core llama-index-embeddings-huggingface llama-recipes llm-guard llmcompressor
lm-eval lmdeploy lmms-eval lomo-optim loralib lpips lxml mamba-ssm markdown marlin mask2former mathutils matplotlib megatron-core
mergekit mistral-common ml-dtypes mlflow mmcv mmdet mmengine modelscope monai mosaicml msgpack multiprocess mypy natsort nemo-toolkit
neptune networkx ninja nltk nncf notebook numba numexpr numpy nvidia-ml-py onnx onnxruntime onnxruntime-gpu open-clip-torch openai
openai-whisper opencv-contrib-python opencv-python opencv-python-headless openpyxl openvino optax optimum optimum-habana optimum-intel
optimum-quanto optree optuna orjson outlines outlines-core paddleocr paddlepaddle pandas parler-tts patsy peft pillow pip pipx plotly
polars prodigyopt protobuf psutil py-cpuinfo pyannote-audio pyarrow pybind11 pydantic pydub pymupdf pynndescent pyparsing pypdf pytest
pytest-asyncio python-dateutil python-doctr python-multipart pytorch-lightning pytorch-metric-learning pytorch-triton pyyaml qwen-vl-utils
rapidfuzz ray realesrgan regex rembg requests resampy rich rouge-score ruff s3fs sacrebleu sacremoses safetensors sagemaker scikit-image
scikit-learn scipy seaborn segment-anything segmentation-models-pytorch sentence-transformers sentencepiece seqeval setfit setuptools sglang
shap shapely simpletransformers skops soundfile spacy spacy-transformers spandrel speechbrain sqlalchemy stable-baselines3 stanza
starlette statsmodels streamlit sympy tabulate tensorboard tensorboardx tensorflow tensorflow-hub tensorflow-probability tensorrt
tensorrt-llm textattack text-generation tf-keras thinc threadpoolctl tiktoken timm tokenizers tomesd torch torch-audiomentations
torch-ema torch-fidelity torch-geometric torch-tensorrt torch-xla torchao torchaudio torchdata torchdiffeq torcheval torchmetrics
torchrec torchsde torchsummary torchtext torchtitan torchtune torchvision tqdm transformer-engine transformer-lens transformers
transformers-stream-generator tree-sitter triton triton-windows trl tts typer typing-extensions ultralytics umap-learn unsloth
unsloth-zoo unstructured uv uvicorn vllm wandb webdataset wheel whisperx xarray xformers xgboost xgrammar yolov5 zarr
"""

PUBLIC_DISTRIBUTIONS = frozenset(_DISTRIBUTIONS.split()) | frozenset(Path(__file__).with_name("popular.txt").read_text("ascii").split())
"""Normalised names: those of the field, and what is most downloaded from the public index."""

_MODULES = """
_distutils_hack _pytest attr bs4 clip cv2 dateutil distutils faiss fitz flash_attn_2_cuda git github google huggingface_hub
importlib_metadata lightning_fabric mpl_toolkits nvidia open_clip packaging peft pil pkg_resources pyarrow pynvml pytorch_lightning
setuptools six skimage sklearn sphinx torch_geometric torchgen triton urllib3 whisper yaml functorch _yaml charset_normalizer idna
markupsafe pygments mdurl multipart websockets h11 httpcore sniffio cloudpickle psycopg2 usercustomize sitecustomize
benchmarks bin common config configs core data dataset datasets docs engine example examples helpers lib main model modeling models module network
networks run scripts src test tests tools train trainer training util utils app layers losses metrics options constants
builtins pyximport cuda torch_c cupyx faiss_gpu gi llama_cpp mpi4py mamba_ssm nvfuser pythoncom pywintypes win32api win32con serial usb zmq
magic crypto ldap openbabel rdkit skbuild sqlite3 flash_attn_3 flash_attn_interface vllm_flash_attn transformer_engine_torch apex_c
"""

PUBLIC_MODULES = frozenset(_MODULES.split())
"""Import names, lower case, of distributions that are called otherwise."""

_PUBLIC_HOSTS_WORDS = """
aclanthology.org ai.google.dev aka.ms amd.com anaconda.com anaconda.org apache.org apple.com arxiv.org biorxiv.org blog.google civitai.com
cloud.google.com codeberg.org colab.research.google.com conda.io crates.io cran.r-project.org d2l.ai datasets.readthedocs.io debian.org deepspeed.ai
developers.google.com devblogs.microsoft.com discuss.pytorch.org distill.pub dl.fbaipublicfiles.com docker.com docker.io docs.microsoft.com docs.rs
docs.wandb.ai doi.org download.microsoft.com elifesciences.org example.com example.net example.org fast.ai fsf.org gcr.io ghcr.io gitcode.com
gitee.com github.com github.io githubusercontent.com gitlab.com gnu.org go.dev golang.org groups.google.com hf.co huggingface.co ieee.org intel.com
json-schema.org jupyter.org kaggle.com keras.io kernel.org kubernetes.io learn.microsoft.com lightning.ai llvm.org localhost matplotlib.org
mathjax.org mcr.microsoft.com medium.com milvus.io mlr.press modelscope.cn mozilla.org nature.com ngc.nvidia.com nips.cc neurips.cc iclr.cc icml.cc
npmjs.com numpy.org nvcr.io nvidia.com onnx.ai onnxruntime.ai openai.com openaccess.thecvf.com opencv.org openmp.org openreview.net opensource.org
packages.microsoft.com pandas.pydata.org paperswithcode.com pkg.dev public.ecr.aws pydata.org pypa.io pypi.org python.org pythonhosted.org
pytorch.org pytorch.s3.amazonaws.com quay.io ray.io readthedocs.io readthedocs.org reddit.com researchgate.net rocm.docs.amd.com rust-lang.org
sbert.net scikit-learn.org scipy.org semver.org spacy.io springer.com stackexchange.com stackoverflow.com streamlit.io substack.com superuser.com
tensorflow.org thecvf.com twitter.com ubuntu.com unsloth.ai visualstudio.microsoft.com vllm.ai w3.org wikipedia.org www.google.com www.microsoft.com
x.com youtube.com youtu.be zenodo.org
"""
PUBLIC_HOSTS = frozenset(_PUBLIC_HOSTS_WORDS.split())
"""Each with everything below it."""

_PUBLIC_ORGANISATIONS_WORDS = """
01-ai actions ai ai-forever ai21labs ai4bharat ai4privacy akhaliq alibaba-nlp allenai amazon amazon-science amd answerdotai anthropic anton-l
apache apple arcee-ai argilla artidoro astral-sh autogptq axolotl-ai-cloud baai baidu bartowski beomi bert-base bigcode bigscience
bitsandbytes-foundation black-forest-labs bosonai briaai bytedance bytedance-seed camel-ai cardiffnlp casperhansen cerebras cognitivecomputations
cohereforai coherelabs comfyanonymous compvis conda conda-forge cross-encoder cupy dao-ailab databricks dbmdz decapoda-research deepglint-ai
deeplearning-platform-release deepmind deepseek-ai deepset deepspeedai dicta-il distilbert dmlc docker docling-project dphn ds4sd ehartford
eleuther epfl-llm facebook facebookai facebookincubator facebookresearch fishaudio fla-hub fnlp gair garage-baind ggerganov ggml-org glue google
google-bert google-cloud google-research google-samples google-t5 gradio gryphe h2oai hao-ai-lab haoailab haotian-liu helsinki-nlp hexgrad
hf-audio hf-internal-testing hiyouga hpcaitech huggingface huggingface-hub huggingfaceh4 huggingfacem4 huggingfacetb hustvl ibm ibm-granite
idea-research ideogram-ai imdb inceptionai inclusionai instructlab intel internlm intfloat ipython jackfram jax-ml jinaai jupyter
kandinsky-community karpathy keras keras-team kubernetes kwai-kolors kwaivgi laion langchain-ai lerobot library lightning-ai lightricks linkedin
liquidai liuhaotian llava-hf lm-sys lmms-lab lmstudio-community lmsys lucidrains lvwerra lxe madebyollin mattshumer maziyarpanahi meta meta-llama
meta-pytorch microsoft minimaxai mistral-community mistralai mixedbread-ai mkdocs ml-explore mlabonne mlc-ai mlfoundations modelcloud modelscope
moonshotai mosaicml mradermacher nari-labs nateraw naver nlpconnect nomic-ai nousresearch nreimers numpy nvidia nvidia-nemo nvlabs onnx oobabooga
open-mmlab open-orca open-r1 openai openai-community openbmb openchat opencsg opendatalab opengvlab openlm-research openvinotoolkit openvla
openxla paddlepaddle pallets pandas-dev panqiwei parler-tts patrickvonplaten phind pixart-alpha prajjwal1 psf pyg-team pypa pypi python
python-poetry pytorch pytorch-labs qdrant qwen qwenlm rapidsai rasbt ray-project redhatai rhymes-ai roneneldan runwayml rwkv sakanaai salesforce
samsung sao10k sarvamai sberbank-ai scikit-learn scipy segmind sentence-transformers sgl-project shibing624 silero skt snowflake speakleash
speechbrain sphinx-doc squad sshleifer stabilityai stanfordnlp state-spaces stepfun-ai suno swiss-ai t5 tatsu-lab teknium tencent tencent-hunyuan
tencentarc tensorflow thebigword thebloke thudm tiiuae timdettmers timm tinyllama tloen togethercomputer tri-ml triton-lang turboderp
turboderp-org ukplab ultralytics unsloth unslothai upstage utter-project uwu valhalla vikhyatk vllm-project whisperx wikitext wizardlm
wizardlmteam xai-org xlabs-ai xlm-roberta xlnet yahma yandex ybelkada zai-org zhipuai
"""
PUBLIC_ORGANISATIONS = frozenset(_PUBLIC_ORGANISATIONS_WORDS.split())
"""Lower case. They publish models, data sets and code: what is theirs stands in bug reports."""

_SHARED_ACCOUNTS_WORDS = """
admin administrator app appuser azureuser build builder centos ci circleci coder codespace colab conda container cuda data debian default docker
ec2-user fedora gitlab-runner guest jenkins jovyan jupyter linux linuxbrew local localhost mambauser nobody node nonroot nvidia public python ray
rocm root runner sagemaker-user server service share shared system test tester ubuntu user username users vagrant vscode windows worker workspace
work all default_user defaultuser0 name your_name yourname you me path ... * ~ $user %username%
"""
SHARED_ACCOUNTS = frozenset(_SHARED_ACCOUNTS_WORDS.split())
"""Lower case. Users that many machines have, and what stands for a user in examples: they name nobody."""

_PUBLIC_USERS_WORDS = """
accelerate author cluster credentials dev developer diffusers email home host kernel main model models package pytorch secret serial source token
key torch train trainer transformers venv vllm account bucket image pod licence repository cookie instance password
"""
PUBLIC_USERS = SHARED_ACCOUNTS | frozenset(_PUBLIC_USERS_WORDS.split())
"""Lower case. Words that stand everywhere: a user or host called so is masked only where a user or a host stands."""


def is_public_distribution(name: str) -> bool:
    """Whether a distribution or module, however it is spelled, is one that everybody knows."""
    plain = name.lower().replace("_", "-").replace(".", "-")
    parts = plain.split("-")
    family = parts[0] in ("nvidia", "types") and len(parts) > 1
    module = plain.replace("-", "_")
    return family or plain in PUBLIC_DISTRIBUTIONS or module in PUBLIC_MODULES or module in sys.stdlib_module_names


def is_public_host(host: str) -> bool:
    """Whether a host serves the public, or is this very machine without a name."""
    plain = host.lower().rstrip(".")
    labels = plain.split(".")
    return (
        any(".".join(labels[start:]) in PUBLIC_HOSTS for start in range(len(labels)))
        or plain.startswith("127.")
        or plain in ("0.0.0.0", "[::1]", "[::]", "::1", "::")
    )
