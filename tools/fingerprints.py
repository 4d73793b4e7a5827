"""Bring data/fingerprints/ up to date: an index for each distribution of where every function stands in every release.

    python tools/fingerprints.py                                          # what the package index has and the indexes lack
    python tools/fingerprints.py torch transformers --sources ~/sources   # only these, keeping the source files for --self-test
    python tools/fingerprints.py --self-test --sources ~/sources          # frames from every release's own files, dated

Asks the package index pip-like tools use by default, and reads single files out of wheels by HTTP range requests. What was read
when it is interrupted is kept: start it again to go on. To cover another file, add it to `SELECTIONS` and run with `--afresh`.
"""

from __future__ import annotations

import argparse
import ast
import io
import itertools
import json
import random
import re
import struct
import sys
import tarfile
import threading
import zipfile
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import requests
from packaging.version import InvalidVersion, Version
from pypi_simple import DistributionPackage, PyPISimple
from remotezip import RemoteZip

from doctor.dating import fingerprints
from doctor.dating.fingerprints import GONE, RELEASES, FileState, Index, index_folder, line_hash
from doctor.dating.inference import date_frames
from doctor.symptom import Frame

CONNECTIONS = 4
MAX_NUMBER = 0xFFFF
_FIRST_READ_BYTES = 256 * 1024
"""Of a wheel's end: holds the directory of all but the largest, so that one request finds it."""


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
    "accelerate": Selection("0.15", "accelerate/*.py accelerate/utils/*.py accelerate/commands/{accelerate_cli,launch}.py ! accelerate/utils/{ao,rich,tqdm,torch_xla,megatron_lm}.py"),
    "bitsandbytes": Selection("0.35", "bitsandbytes/{*,nn/*,autograd/*,backends/*,backends/*/ops,optim/optimizer}.py"),
    "deepspeed": Selection(
        "0.7", "deepspeed/{__init__,comm/comm,inference/*,runtime/*,runtime/zero/*,utils/*}.py deepspeed/module_inject/{auto_tp,layers,load_checkpoint,replace_module}.py"
    ),
    "diffusers": Selection(
        "0.8",
        "diffusers/{configuration_utils,modeling_utils,pipeline*,loaders,loaders/*,hooks/*,quantizers/*,quantizers/*/*}.py diffusers/models/*.py"
        " diffusers/models/{autoencoders,transformers,unets}/{autoencoder_kl,transformer_flux,transformer_2d,transformer_sd3,unet_2d_condition}.py"
        " diffusers/pipelines/{pipeline*,free_init_utils}.py diffusers/utils/{accelerate_utils,hub_utils,import_utils,loading_utils,peft_utils,state_dict_utils,torch_utils}.py"
        " ! diffusers/{pipeline_flax*,modeling_flax*,models/*flax*,pipelines/pipeline_flax*}.py",
    ),
    "langchain": Selection("0", "langchain/embeddings/{huggingface,self_hosted_hugging_face}.py langchain/llms/huggingface_*.py"),
    "langchain-community": Selection("0", "langchain_community/{embeddings,llms,cross_encoders}/{huggingface*,sentence_transformer}.py"),
    "langchain-huggingface": Selection("0", "langchain_huggingface/{chat_models,embeddings,llms,utils}/*.py"),
    "peft": Selection("0", "peft/*.py peft/utils/*.py peft/tuners/*.py peft/tuners/lora/*.py peft/tuners/{adalora,boft,ia3,loha,lokr,oft,randlora,vera}/{model,layer,bnb}.py"),
    "safetensors": Selection("0.2", "safetensors/{__init__,torch,numpy}.py"),
    "sentence-transformers": Selection(
        "2.0",
        "sentence_transformers/{*,models/*,util/*,base/*,base/*/*,cross_encoder/*,sparse_encoder/*,sentence_transformer/*,sentence_transformer/*/*}.py"
        " ! sentence_transformers/{evaluation,losses,datasets,*/losses,*/evaluation,*/datasets}/*.py sentence_transformers/{,*/}model_card*.py",
    ),
    "torch": Selection(
        "1.13",
        "torch/{__init__,_compile,_decomp/*,_meta_registrations,_ops,_prims/__init__,_prims_common/*,_refs/__init__,_refs/nn/functional/__init__,_tensor,_utils}.py"
        " torch/{_library/*,_subclasses/*,_weights_only_unpickler,amp/*,functional,hub,library,overrides,random,serialization,storage}.py"
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
        " ! transformers/{__init__,*_tf_*,*_flax_*,convert_*,*_slow_tokenizer*,dependency_*,file_utils,testing_utils,modelcard,training_args_*,keras_*}.py"
        " transformers/generation/{tf_*,flax_*}.py transformers/models/auto/modeling_{tf,flax}_auto.py"
        " transformers/utils/{__init__,attention_visualizer,bitsandbytes_dummy,dummy_*,fx,model_parallel_utils,notebook,sentencepiece_*}.py",
    ),
}

Files = dict[str, bytes]
States = dict[str, FileState]


def state_of(source: bytes) -> FileState:
    """The fingerprint of a source file. Raises `SyntaxError` for one in a Python newer than this one."""
    tree = ast.parse(source)
    definitions = [each for each in ast.walk(tree) if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))]
    bodies = sorted((each.body[0].lineno, -(each.end_lineno or 0), each.name) for each in definitions)
    lines = source.decode("utf-8").removeprefix("\ufeff").replace("\r\n", "\n").removesuffix("\n").split("\n")
    starts, ends = tuple(start for start, _, _ in bodies), tuple(-end for _, end, _ in bodies)
    return FileState(tuple(name for _, _, name in bodies), starts, ends, array("H", map(line_hash, lines)))


def encoded(states: Iterable[FileState | None]) -> bytes:
    """A file's history as its member of the index holds it; a state for each release, None where it has no such file."""
    content = bytearray()
    numbers: dict[object, int] = {}
    names: dict[str, int] = {}
    current = GONE
    for release, state in enumerate(states):
        key = (state.names, state.starts, state.ends, state.hashes.tobytes()) if state is not None else None
        number = GONE if key is None else numbers.get(key, len(numbers))
        if number == current:
            continue
        content += struct.pack("<HH", release, number)
        if state is not None and number == len(numbers):
            numbers[key] = number
            content += _encoded_state(state, names)
        current = number
    return bytes(content)


def _encoded_state(state: FileState, names: dict[str, int]) -> bytes:
    new = [name for name in dict.fromkeys(state.names) if name not in names]
    for name in new:
        names[name] = len(names)
    text = "\n".join(new).encode()
    functions = [
        number
        for name, before, start, end in zip(state.names, (0, *state.starts), state.starts, state.ends, strict=False)
        for number in (names[name], start - before, end - start + 1)
    ]
    parts = (struct.pack("<H", len(text)), text, _packed(len(state.names), functions), _packed(len(state.hashes), state.hashes))
    return b"".join(parts)


def _packed(count: int, numbers: Sequence[int]) -> bytes:
    return struct.pack(f"<H{len(numbers)}H", count, *numbers)


def write_index(file: Path, releases: Mapping[str, States]) -> None:
    """Write an index, the same bytes for the same releases whatever there was before."""
    versions = sorted(releases, key=Version)
    paths = sorted({path for states in releases.values() for path in states})
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_LZMA) as members:
        members.writestr(_member(RELEASES), json.dumps(versions))
        for path in paths:
            members.writestr(_member(path), encoded(releases[version].get(path) for version in versions))
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.write_bytes(content.getvalue())
    partial.replace(file)


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.compress_type = zipfile.ZIP_LZMA
    member.create_system = 3
    return member


def read_index(file: Path) -> dict[str, States]:
    """What an index holds, by release; empty when there is no such file."""
    if not file.exists():
        return {}
    index = Index(file)
    releases: dict[str, States] = {version: {} for version in index.releases}
    for path in index.paths:
        history = index.history(path)
        for version, state in zip(index.releases, history.by_release, strict=True):
            if state is not None:
                releases[version][path] = history.states[state]
    return releases


def final_releases(client: PyPISimple, distribution: str) -> dict[str, DistributionPackage]:
    """For each final release the file to read: the smallest wheel, whose Python files are those of all, or else the sdist."""
    since = Version(SELECTIONS[distribution].since)
    files: dict[Version, list[DistributionPackage]] = {}
    for file in client.get_project_page(distribution).packages:
        try:
            version = Version(file.version or "")
        except InvalidVersion:
            continue
        if not version.is_prerelease and version >= since and file.package_type in ("wheel", "sdist"):
            files.setdefault(version, []).append(file)
    return {str(version): min(files[version], key=lambda file: (file.package_type != "wheel", file.size or 0, file.filename)) for version in sorted(files)}


_thread = threading.local()


def fetched(file: DistributionPackage, wanted: re.Pattern[str]) -> Files:
    """The wanted files of a release: one request each, from a wheel; an sdist is read whole. Raises `requests.RequestException`, `OSError`."""
    if not hasattr(_thread, "session"):
        _thread.session = requests.Session()
    if file.package_type == "wheel":
        with RemoteZip(file.url, session=_thread.session, initial_buffer_size=_FIRST_READ_BYTES) as wheel:
            members = sorted((each for each in wheel.infolist() if wanted.fullmatch(each.filename)), key=lambda each: each.header_offset)
            return {member.filename: wheel.read(member) for member in members}
    answer = _thread.session.get(file.url, timeout=300)
    answer.raise_for_status()
    inside = ((name.partition("/")[2].removeprefix("src/"), content) for name, content in _archived(answer.content, file.filename))
    return {name: content for name, content in inside if wanted.fullmatch(name)}


def _archived(content: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    if name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(content)) as sdist:
            yield from ((each, sdist.read(each)) for each in sdist.namelist())
        return
    with tarfile.open(fileobj=io.BytesIO(content)) as sdist:
        for member in sdist:
            if member.name.endswith(".py") and (file := sdist.extractfile(member)) is not None:
                yield member.name, file.read()


def kept(folder: Path | None, distribution: str, version: str, file: DistributionPackage | None) -> Files:
    """The selected files of a release, out of the folder where it is there; put there when not. Without `file` nothing is fetched."""
    wanted = SELECTIONS[distribution].pattern()
    store = folder / distribution / f"{version}.zip" if folder is not None else None
    if store is not None and store.exists():
        with zipfile.ZipFile(store) as archive:
            return {name: archive.read(name) for name in archive.namelist() if wanted.fullmatch(name)}
    files = fetched(file, wanted) if file is not None else {}
    if store is not None:
        store.parent.mkdir(parents=True, exist_ok=True)
        partial = store.with_suffix(".partial")
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        partial.replace(store)
    return files


class Reading:
    """Reads releases into fingerprints; what two releases share is read once."""

    def __init__(self) -> None:
        self._states: dict[bytes, FileState] = {}

    def states(self, files: Files) -> States:
        """The fingerprint of every file."""
        for content in files.values():
            if content not in self._states:
                self._states[content] = state_of(content)
        return {path: self._states[content] for path, content in files.items()}


def update(client: PyPISimple, distribution: str, sources: Path | None, *, afresh: bool) -> None:
    """Add to a distribution's index the releases it lacks; those read when this is interrupted are added all the same."""
    output = index_folder() / f"{distribution}.zip"
    releases = {} if afresh else read_index(output)
    missing = {version: file for version, file in final_releases(client, distribution).items() if version not in releases}
    print(f"{distribution}: {len(releases)} releases, {len(missing)} to read", flush=True)
    reading, failed = Reading(), 0
    pool = ThreadPoolExecutor(CONNECTIONS)
    try:
        pending = {pool.submit(kept, sources, distribution, version, file): version for version, file in missing.items()}
        for count, future in enumerate(as_completed(pending), 1):
            version = pending.pop(future)
            try:
                releases[version] = reading.states(future.result())
            except (requests.RequestException, OSError, zipfile.BadZipFile, tarfile.TarError, SyntaxError, UnicodeDecodeError) as error:
                failed += 1
                print(f"{distribution} {version}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            if count % 10 == 0:
                print(f"{distribution}: {count} of {len(missing)}", flush=True)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        if missing and releases:
            write_index(output, releases)
    print(f"{distribution}: {len(releases)} releases, {output.stat().st_size / 1024:.0f} KiB{f', {failed} failed: run again' if failed else ''}", flush=True)


def self_test(distribution: str, sources: Path | None, client: PyPISimple, rounds: int) -> Counter[tuple[int, int]]:
    """Date `rounds` tracebacks of 1 to 5 frames of every release, made from its own files with their text; how many candidates were left, by frames.

    Raises `SystemExit` for a release that is not among its own candidates.
    """
    index = fingerprints.index_of(distribution)
    files = {} if sources is not None and all((sources / distribution / f"{each}.zip").exists() for each in index.releases) else final_releases(client, distribution)
    left: Counter[tuple[int, int]] = Counter()
    for version in index.releases:
        places = list(_frames_of(kept(sources, distribution, version, files.get(version))))
        chosen = random.Random(f"{distribution} {version}")
        for _, count in itertools.product(range(rounds), range(1, 6)):
            if not places:
                continue  # later releases of langchain have none of the files
            frames = chosen.sample(places, min(count, len(places)))
            (dating,) = date_frames(frames)
            if version not in dating.candidates:
                raise SystemExit(f"{distribution} {version} is not among its own candidates: {dating.summary}: {frames}")
            left[count, len(dating.candidates)] += 1
    return left


def _frames_of(files: Files) -> Iterator[Frame]:
    """A frame at every line of every function that can be one: no blank line, comment or docstring's middle is told apart from code."""
    for path, content in files.items():
        lines = content.decode("utf-8").split("\n")
        state = state_of(content)
        for start, end in zip(state.starts, state.ends, strict=True):
            for number in range(start, end + 1, 3):
                code = lines[number - 1].strip()
                if len(code) > 3 and not code.startswith("#") and (name := state.function_at(number)) is not None:
                    yield Frame(f"/usr/lib/python3/site-packages/{path}", number, name, code)


def print_distribution(left: Counter[tuple[int, int]]) -> None:
    """How many candidates remained, by the number of frames."""
    for frames in sorted({count for count, _ in left}):
        remaining = sorted(itertools.chain.from_iterable([candidates] * times for (count, candidates), times in left.items() if count == frames))
        exact, few = (sum(each <= limit for each in remaining) / len(remaining) for limit in (1, 3))
        median, ninth = remaining[len(remaining) // 2], remaining[len(remaining) * 9 // 10]
        print(f"  {frames} frames: median {median}, 90th percentile {ninth}, most {remaining[-1]}; exact {exact:.0%}, 3 or fewer {few:.0%} of {len(remaining)}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Update the indexes, or test them."""
    parser = argparse.ArgumentParser(description="Bring data/fingerprints/ up to date.")
    parser.add_argument("distributions", nargs="*", metavar="DISTRIBUTION", help=f"of {', '.join(SELECTIONS)}; all when none is named")
    parser.add_argument("--sources", type=Path, metavar="FOLDER", help="keep source files here, and look here before fetching")
    parser.add_argument("--afresh", action="store_true", help="read all releases again, after the selection was changed")
    parser.add_argument("--self-test", type=int, nargs="?", const=10, metavar="ROUNDS", help="date frames of every release instead")
    options = parser.parse_args(arguments)
    unknown = set(options.distributions) - set(SELECTIONS)
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: not among {', '.join(SELECTIONS)}")
    total: Counter[tuple[int, int]] = Counter()
    with PyPISimple() as client:
        for distribution in options.distributions or SELECTIONS:
            if options.self_test is None:
                update(client, distribution, options.sources, afresh=options.afresh)
                continue
            left = self_test(distribution, options.sources, client, options.self_test)
            total += left
            print(f"{distribution}: every release is among its own candidates")
            print_distribution(left)
    if len(total):
        print("all")
        print_distribution(total)


if __name__ == "__main__":
    main()
