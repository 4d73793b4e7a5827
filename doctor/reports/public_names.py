"""Names that are no secret: distributions everybody knows, hosts that serve the public, users that many machines share.

Whether a package is on a public index cannot be asked offline, so a name that stands here is shown and any other may be private.
"""

from __future__ import annotations

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

PUBLIC_DISTRIBUTIONS = frozenset(_DISTRIBUTIONS.split())
"""Normalised names."""

_MODULES = """
_distutils_hack _pytest attr bs4 clip cv2 dateutil distutils faiss fitz flash_attn_2_cuda git github google huggingface_hub
importlib_metadata lightning_fabric mpl_toolkits nvidia open_clip packaging peft pil pkg_resources pyarrow pynvml pytorch_lightning
setuptools six skimage sklearn sphinx torch_geometric torchgen triton urllib3 whisper yaml functorch _yaml charset_normalizer idna
markupsafe pygments mdurl multipart websockets h11 httpcore sniffio cloudpickle psycopg2 usercustomize sitecustomize
benchmarks bin common config data docs example examples helpers lib models scripts src test tests tools train training utils
"""

PUBLIC_MODULES = frozenset(_MODULES.split())
"""Import names, lower case, of distributions that are called otherwise."""

PUBLIC_HOSTS = (
    "anaconda.com", "anaconda.org", "arxiv.org", "civitai.com", "conda.io", "discuss.pytorch.org", "docs.rs", "example.com", "example.net",
    "example.org", "gitcode.com", "github.com", "github.io", "gitlab.com", "google.com", "hf.co", "huggingface.co", "intel.com", "kaggle.com",
    "microsoft.com", "modelscope.cn", "npmjs.com", "nvidia.com", "openai.com", "paperswithcode.com", "pypi.org", "python.org", "pythonhosted.org",
    "pytorch.org", "readthedocs.io", "readthedocs.org", "githubusercontent.com", "stackoverflow.com", "tensorflow.org", "vllm.ai", "wikipedia.org",
    "sbert.net", "pypa.io", "amd.com", "apple.com", "debian.org", "ubuntu.com", "kernel.org", "w3.org", "json-schema.org", "localhost",
)  # fmt: skip
"""Each with everything below it."""

PUBLIC_USERS = frozenset({
    "admin", "administrator", "app", "appuser", "azureuser", "build", "builder", "centos", "ci", "circleci", "coder", "colab", "conda", "container",
    "cuda", "data", "debian", "default", "dev", "developer", "docker", "ec2-user", "fedora", "gitlab-runner", "guest", "home", "host", "jenkins",
    "jovyan", "jupyter", "kernel", "linux", "local", "localhost", "main", "mambauser", "model", "models", "node", "nobody", "nonroot", "nvidia",
    "python", "pytorch", "ray", "root", "rocm", "runner", "sagemaker-user", "server", "service", "share", "shared", "system", "test", "tester",
    "torch", "train", "trainer", "transformers", "ubuntu", "user", "username", "vagrant", "venv", "vllm", "vscode", "windows", "work", "worker",
    "workspace", "public", "accelerate", "diffusers", "path", "token", "key", "secret", "email", "serial", "package", "credentials", "source",
})  # fmt: skip
"""Lower case. They stand in ordinary words and paths, and name nobody."""


def is_public_distribution(name: str) -> bool:
    """Whether a distribution or module, however it is spelled, is one that everybody knows."""
    plain = name.lower().replace("_", "-").replace(".", "-")
    parts = plain.split("-")
    family = parts[0] in ("nvidia", "types") and len(parts) > 1
    return family or plain in PUBLIC_DISTRIBUTIONS or plain.replace("-", "_") in PUBLIC_MODULES


def is_public_host(host: str) -> bool:
    """Whether a host serves the public, or is this very machine without a name."""
    plain = host.lower().rstrip(".")
    return (
        any(plain == known or plain.endswith("." + known) for known in PUBLIC_HOSTS)
        or plain.startswith("127.")
        or plain in ("0.0.0.0", "[::1]", "[::]")
    )
