"""Modules, distributions, repositories and models whose names not everybody knows. Whether one is public cannot be asked offline."""

from __future__ import annotations

import builtins
import re
import string

from doctor.reports.private.masker import EQUALS, Masker
from doctor.reports.private.public_names import PUBLIC_ORGANISATIONS, is_public_distribution, is_public_host

_WORDS_WORDS = """
a an and as at be by for from if in is it module name not of on or package packages path requirements that the this to txt with your failed error
errors statement statements hook hooks time paths order names modules python requirements.txt
"""
_WORDS = frozenset(_WORDS_WORDS.split())
_BUILTINS = frozenset(dir(builtins))


_PUBLIC_CHANNEL = re.compile(r"[^\n]{0,120}?[ \t]{2}(?:defaults|conda-forge|pytorch|nvidia)(?!\S{2})")
_BUILD = re.compile(r"cu\d{2,3}|cpu|rocm[\d.]{0,6}|xpu")


def _unknown_module(_: re.Match[str], value: str) -> bool:
    top = value.partition(".")[0]
    return not (is_public_distribution(top) or top in _BUILTINS or top.startswith("_") or top.lower() in _WORDS) and len(top) > 1


def _unknown_package(_: re.Match[str], value: str) -> bool:
    return not is_public_distribution(value) and value.lower() not in _WORDS and not _BUILD.fullmatch(value) and len(value) > 2


def _unknown_archive(match: re.Match[str], value: str) -> bool:
    """Of what pip has set aside, a `~` stands for the first letter of the name."""
    if match.string[: match.start()].endswith("~"):
        return not any(is_public_distribution(letter + value) for letter in string.ascii_lowercase)
    return _unknown_package(match, value)


def _listed(match: re.Match[str], value: str) -> bool:
    """`name==1.2` alone is what `pip freeze` prints; in a condition of a program it is not."""
    line_start = match.string.rfind("\n", 0, match.start()) + 1
    alone = not match.string[line_start : match.start()].strip("\"'- \t>,[(\r\ufffd")
    return _unknown_package(match, value) and (alone or "-" in value or "_" in value)


def _hyphenated(match: re.Match[str], value: str) -> bool:
    return "-" in value and _unknown_package(match, value)


def _unknown_organisation(_: re.Match[str], value: str) -> bool:
    """Of a model `organisation/name`: those that publish are public."""
    return value.replace("--", "/").partition("/")[0].lower() not in PUBLIC_ORGANISATIONS


def _unknown_model(match: re.Match[str], value: str) -> bool:
    folder = value.partition("/")[0].lower()
    return _unknown_organisation(match, value) and folder not in _FOLDERS and not re.search(r"\.(?:py|json|sh|ya?ml|txt|bin|pt|md|h|cpp)$", value)


_FOLDERS_WORDS = """
checkpoints checkpoint output outputs models model data runs results src tests examples scripts home mnt tmp text image application docs papers blog
learn tasks datasets spaces join settings posts collections organizations new login pricing chat enterprise api resolve
"""
_FOLDERS = frozenset(_FOLDERS_WORDS.split())


def _listed_version(match: re.Match[str], value: str) -> bool:
    """What conda installed from a public channel is public."""
    return _hyphenated(match, value) and not _PUBLIC_CHANNEL.match(match.string, match.end())


def _remote(_: re.Match[str], value: str) -> bool:
    return not is_public_host(value.partition(":")[0])


_MODULE = r"[A-Za-z_]\w{0,80}(?:\.[A-Za-z_]\w{0,80}){0,8}"
_PACKAGE = r"[A-Za-z][A-Za-z0-9_]{0,80}(?:[.-][A-Za-z0-9_]{1,80}){0,8}"
_REQUIREMENT = rf"(?<![\w./:=<>~!@-])(?P<name>{_PACKAGE}?)(?=(?:-\d[\w.+!]{{0,40}})?(?:\[[\w,-]{{1,80}}\])?\s?(?:[=<>~!,;)\s\"'\\\ufffd]|$))"
"""Among several: `torch acme-llm[gpu]>=1.0 acme-llm-1.2.3`."""
_ORGANISATION = r"[A-Za-z0-9][\w-]{1,60}"
_MODEL = rf"{_ORGANISATION}/[A-Za-z0-9][\w.-]{{0,100}}"
_MODEL_NAMES = (
    "model(?:_?name|_?id|_?path|_name_or_path)?|pretrained_model_name_or_path|_name_or_path|base_model(?:_name_or_path)?|tokenizer(?:_name)?|repo(?:_?id)?"
    "|adapter(?:_name_or_path)?|pretrained|checkpoint|dataset(?:_name)?|hub_model_id|peft_model_id|teacher|processor"
)
_OWNED = r"(?:github\.com|gitlab\.com|bitbucket\.org|gitee\.com|raw\.githubusercontent\.com|gist\.github\.com|codeberg\.org)"

PACKAGES = (
    Masker(
        "package", ("module", "import", "metadata", "package"),
        rf"(?:[Nn]o module named|initialized module|import_module\("
            rf"|from partially initialized module"
            rf"|\bmodule(?= [\"'\\]))\s{{0,2}}[\\\"'`]{{0,6}}(?P<name>{_MODULE})", _unknown_module, everywhere=True,
    ),
    Masker(
        "package", ("import",),
        rf"(?:\bfrom\s{{1,4}}|cannot import name \S{{1,100}} from [\\\"']{{0,6}})(?P<name>{_MODULE})(?=\s{{1,4}}import\b|[\\\"']{{1,6}}(?: \("
            rf"|$|\s|[\"',}}]))", _unknown_module, everywhere=True,
    ),
    Masker(
        "package", ("import",),
        rf"(?m)(?:^[ \t>|*-]{{0,40}}|(?<=[\"'`;=\ufffd])[ \t]{{0,40}}|(?<=[:\]|*\d-] )[ \t]{{0,40}})import\s{{1,4}}(?P<name>{_MODULE})"
            rf"(?=\s{{0,4}}(?:$|[;,#\n\"'\\\ufffd]|as\s))", _unknown_module, everywhere=True,
    ),
    Masker(
        "package", ("<class", "object at", "module '", "python"),
        rf"(?:<class [\\\"']{{1,6}}|<(?=\w{{1,100}}\.[\w.]{{1,200}} object at)|<module [\\\"']{{1,6}}"
            rf"|\bpython[\d.]{{0,4}} -m )(?P<name>{_MODULE})", _unknown_module, everywhere=True,
    ),
    Masker(
        "package", ("notfounderror", "distributionnotfound", "metadata was found"),
        r"(?:PackageNotFoundError:|metadata was found for|DistributionNotFound: The)\s{1,2}[\\\"'`]{0,6}(?!No package)"
            rf"(?P<name>{_PACKAGE})", _unknown_package, everywhere=True,
    ),
    Masker(
        "package", ("is not a package",),
        rf"['\"](?P<name>{_MODULE})[\\\"']{{1,6}} is not a package", _unknown_module, everywhere=True,
    ),
    Masker(
        "package", ("() got", "() missing", "() takes"),
        r"(?<![\w.])(?P<name>[a-z]\w{0,80}(?:\.[A-Za-z_]\w{0,80}){2,8})(?=\(\) (?:got|missing|takes))",
        _unknown_module, everywhere=True,
    ),
    Masker(
        "package", ("-packages",),
        r"(?:site|dist)-packages[\\/]{1,8}(?P<name>[A-Za-z0-9]\w{0,100})", _unknown_package, everywhere=True,
    ),
    Masker(
        "package", ("==", "@ ", "=py", ">=", "~="),
        rf"(?<![\w./:@-])(?P<name>{_PACKAGE})(?:\[[\w,-]{{1,80}}\])?(?:\s?[=~>]=\s?\d{{1,4}}\.\d|\s@\s(?:git\+|file:|https?:)"
            rf"|=\d[\w.]{{0,40}}=)", _listed, everywhere=True,
    ),
    Masker(
        "package", ("coll", "requirement", "distribution", "wheel", "install", "build", "egg", "obtaining", "uv ", "poetry", "conda", "pip"),
        rf"(?:\b(?:Collecting|Obtaining|Requirement already satisfied:|No matching distribution found for|satisfies the requirement"
            rf"|Found existing installation:|Uninstalling"
            rf"|Attempting uninstall:|Building (?:editable )?wheels? for(?: collected packages:)?|Created wheel for|Failed (?:to build"
            rf"|building wheel for)|Preparing metadata for)\s{{1,4}}"
            rf"|#?egg=)(?P<name>{_PACKAGE}?)(?=(?:-\d[\w.]{{0,40}})?:?(?:\[|[=<>~!,;)\s\"'\\\ufffd]|$))", _unknown_package, everywhere=True,
    ),
    Masker(
        "package", ("installed", "installing", "built"),
        r"\b(?:Successfully (?:installed|uninstalled|built)|Installing collected packages:)(?P<list>[^\n|&\"`\ufffd]{1,4000})",
        _unknown_package, everywhere=True, inner=_REQUIREMENT,
    ),
    Masker(
        "package", ("install", "add "),
        rf"\b(?:pip3?|pipx|uv|uv pip|poetry|conda|mamba)\s(?:install|add)\s{{1,3}}(?:-[\w-]{{1,30}}\s{{1,3}}){{0,5}}"
            rf"(?P<name>{_PACKAGE})(?![\w/:])", _unknown_package, everywhere=True,
    ),
    Masker(
        "package", ("install", "add "),
        r"\b(?:pip3?|pipx|uv|uv pip|poetry|conda|mamba)\s(?:install|add)(?P<list>[^\n|&\"`)\ufffd]{1,4000})",
        _hyphenated, everywhere=True, inner=_REQUIREMENT,
    ),
    Masker(
        "package", ("requires", "depends on", "has requirement"),
        rf"(?<![\w.-])(?P<name>{_PACKAGE}) \d[\w.+]{{0,40}} (?:requires|depends on|has requirement)", _unknown_package, everywhere=True,
    ),
    Masker(
        "package", ("  ",),
        rf"(?m)(?:^|(?<=[\s\"'>=-]))(?P<name>{_PACKAGE})[ \t]{{2,60}}\d{{1,4}}\.\d[\w.+]{{0,40}}(?=[ \t]{{2}}|\s|[\"'\\\ufffd]|$)",
        _listed_version, everywhere=True,
    ),
    Masker("package", ("  ",), rf"(?m){_PACKAGE}[ \t]{{2,60}}\d{{1,4}}\.\d[\w.+]{{0,40}}[ \t]{{2,60}}(?P<source>/[^\s\"']{{2,200}})"),
    Masker(
        "package", (".whl", ".tar.gz", ".dist-info", ".egg", ".zip", "__editable__"),
        r"(?:__editable__\.|(?<![\w.-]))(?P<name>[A-Za-z][A-Za-z0-9_]{0,80}(?:[.-][A-Za-z_][A-Za-z0-9_]{0,80}){0,6}?)"
            r"(?:-\d[\w.+!]{0,40}(?:(?:-[\w.]{1,60}){2,4}\.whl|\.tar\.gz|\.zip|\.dist-info|\.egg|\.pth)|\.egg-info)",
            _unknown_archive, everywhere=True,
    ),
    Masker(
        "package", ("name",),
        rf"(?m)(?:^|(?<=[\s\"'>=\ufffd]))name\s{{0,8}}=\s{{0,8}}[\\]{{0,4}}\"(?P<name>{_PACKAGE})[\\]{{0,4}}\"(?=\s|$|[\"'\\\ufffd])",
        _hyphenated, everywhere=True,
    ),
    # Repositories
    Masker("repository", ("@",), r"(?<![\w.])git@(?P<name>[A-Za-z0-9.-]{1,200}:[^\s'\"\\]{1,400})", _remote),
    Masker(
        "repository", ("git", "bitbucket", "codeberg"),
        rf"{_OWNED}[:/](?P<name>[A-Za-z0-9][\w.-]{{0,60}}/[A-Za-z0-9][\w.-]{{0,100}})(?!/(?:issues|pull|pulls|discussions|releases"
            rf"|merge_requests|-/)|[\w.-])", _unknown_organisation, everywhere=True,
    ),
    # Models and data sets
    Masker(
        "model", ("huggingface.co/", "hf.co/", "modelscope.", "hf://"),
        rf"(?:(?:huggingface|hf)\.co/|modelscope\.c[no]m?/|hf://)(?:api/)?(?:models/|datasets/|spaces/)?(?P<name>{_MODEL})",
        _unknown_model, everywhere=True,
    ),
    Masker(
        "model", ("s--",),
        r"(?:models|datasets|spaces)--(?P<name>[A-Za-z0-9][\w.]{0,60}(?:-[\w.]{1,60}){0,6}--[A-Za-z0-9][\w.-]{0,100})",
        _unknown_organisation, everywhere=True,
    ),
    Masker(
        "model", ("/",),
        rf"(?i)(?:(?:from_pretrained|load_dataset|hf_hub_download|snapshot_download|pipeline|SentenceTransformer"
            rf"|LLM)\([^\n()]{{0,80}}?[\\\"']{{1,6}}|(?<![A-Za-z])(?:{_MODEL_NAMES}){EQUALS}|--(?:{_MODEL_NAMES})(?:=|\s{{1,4}})[\\\"']{{0,4}}"
            rf"|\b(?:load (?:\w{{1,20}} ){{1,2}}for|access to(?: model)?|model|dataset|loading"
            rf"|tokenizer|unrecognized model in|vllm serve|sglang serve)\s{{1,3}}[\\\"'`]{{0,6}})(?P<name>{_MODEL})(?![\w/])",
            _unknown_model, everywhere=True,
    ),
    Masker(
        "model", ("is not a", "does not appear", "is not the"),
        rf"(?<![\w./-])(?P<name>{_MODEL})[\\\"'`]{{0,6}}\s{{1,2}}(?:is not (?:a local folder|the path)|does not appear)",
        _unknown_model, everywhere=True,
    ),
)  # fmt: skip
