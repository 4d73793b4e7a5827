"""Machines: host names by where they stand or by how they end, addresses, ids and serial numbers, containers and pods."""

from __future__ import annotations

import ipaddress
import re

from doctor.reports.private.masker import EQUALS, LABEL, Masker
from doctor.reports.private.public_names import is_public_distribution, is_public_host

# Host names

_NO_HOST_WORDS = """
a an any app args bool client config cpu cuda default device disabled enabled error false fixed for gpu host hostname https http in int internal ip
is local localhost main master name node none not null of on or remote required root self server str string target the this to true type unknown
unset uvicorn nginx gunicorn with and list dict optional union float memory path port ports rank url uri value version worker
"""
_NO_HOST = frozenset(_NO_HOST_WORDS.split())
_COUNTED_WORDS = """
block bucket case chunk cpu cuda cudagraph device epoch expert gpu job layer level line loss lora mps node npu partition process python py rank
replica rocm shard slot stack stage step stream task test thread tp pp dp ep cp version worker xpu xla tpu core head group phase part split fold
"""
_COUNTED = frozenset(_COUNTED_WORDS.split())
"""What programs number: `rank0` and `layer-3` are no hosts."""
_FILE = re.compile(
    r"(?i)\.(?:py|pyi|pyx|so|md|sh|rs|json|ya?ml|txt|log|bin|pt|pth|ckpt|gguf|safetensors|index|cpp|cc|cu|cuh|c|h|hpp|toml|cfg|ini|html?|js|ts|ipynb|whl|zip"
    r"|gz|tar|csv|tsv|parquet|out|err|onnx|npy|npz|pkl|exe|dll|lock|model|weight|bias|data|grad|shape|dtype|device)$"
)
_ENDING_WORDS = """
com net org edu gov mil biz io ai dev app cloud eu de uk fr ch internal local lan corp svc intranet localdomain cluster
"""
_ENDINGS = frozenset(_ENDING_WORDS.split())
_MACHINE = re.compile(
    r"(?i)(?:node|gpu|cn|nid|dgx|hgx|compute|worker|master|login|server|srv|host|machine|box|lab|rack|hpc|cluster|vm|gke|ec2|[ahvl]\d{2,3}s?)[a-z-]{0,20}\d"
    r"|-(?:box|server|host|node|lab|pc|desktop|laptop|workstation)\b"
)
_CLASS = re.compile(
    r"[A-Z][A-Za-z0-9]{1,60}(?:Model|For[A-Z][A-Za-z]{2,60}|Head|Config|Encoder|Decoder|Transformer|Pipeline|Scheduler|Tokenizer|Processor)"
)
"""Classes of models have numbers in their names as hosts do: `GPT2LMHeadModel`."""
_VERSION = re.compile(r"v?\d{1,4}(?:\.\d{1,9}){0,6}(?:[a-z]{1,4}\d{0,4})?")


def _not_nobody(value: str) -> bool:
    return (
        len(value) > 2
        and not is_public_host(value)
        and value.lower() not in _NO_HOST
        and not _VERSION.fullmatch(value)
        and not re.fullmatch(r"[\d.:-]+", value)
    )


def looks_like_host(value: str) -> bool:
    """Whether a name that may be a host's is one: numbered or hyphenated, or with an ending, and no file, version or counted thing."""
    labels = value.split(".")
    if not _not_nobody(value) or _FILE.search(value) or _CLASS.fullmatch(value) or not all(labels) or len(value) < 3:
        return False
    if len(labels) > 1:
        return not any(label.isdigit() for label in labels) and (labels[-1] in _ENDINGS or _MACHINE.search(labels[0]) is not None)
    stem = value.lower().rstrip("-0123456789")
    return (
        any(each in value for each in "-0123456789[")
        and any(each.isalpha() for each in value)
        and not (stem in _COUNTED and len(value) - len(stem) < 3)
    )


def _machine(_: re.Match[str], value: str) -> bool:
    """After `on`, most numbered names are models': a host has its kind in its name, or an ending."""
    return looks_like_host(value) and ("." in value or _MACHINE.search(value) is not None)


def _host(_: re.Match[str], value: str) -> bool:
    return looks_like_host(value)


def _host_told(_: re.Match[str], value: str) -> bool:
    """Where only a host can stand, any word is one."""
    return _not_nobody(value) and not _FILE.search(value)


def _host_or_address(_: re.Match[str], value: str) -> bool:
    return _not_nobody(value) and not _FILE.search(value) and not is_public_distribution(value)


def _full_name(match: re.Match[str], value: str) -> bool:
    """`torchvision.io`, `System.Net` and `google.protobuf.internal` end like hosts."""
    host = re.split(r"[:/]", value)[0]
    if re.match(r"v?\d{1,4}(?:\.\d{1,9}){1,6}\.", host):
        return False
    first = host.partition(".")[0]
    ending = host.rpartition(".")[2]
    called = match.string[match.end() : match.end() + 1] == "(" or not (ending.islower() or ending.isupper())
    return not is_public_host(host) and not is_public_distribution(first) and first not in ("self", "cls", "threading") and not called


_LABEL = r"[A-Za-z0-9][A-Za-z0-9-]{0,62}"
_HOST = rf"{_LABEL}(?:\.[A-Za-z0-9-]{{1,63}}){{0,6}}"
_HOSTS = r"[A-Za-z][A-Za-z0-9.-]{0,80}(?:\[[0-9,-]{1,80}\])?(?:,[A-Za-z][A-Za-z0-9.-]{0,80}(?:\[[0-9,-]{1,80}\])?){0,40}"
"""One or several, as Slurm lists them: `cn[001-004],gpu7`."""
_PATH = r"(?::\d{1,5})?(?:/[^\s\"'<>,;)\\\]`\ufffd]{0,300})?"
_RESOLVING = (
    "gaierror|service not known|in name resolution|nodename nor servname|getaddrinfo|could not resolve|cannot resolve|can't resolve|failed to resolve"
    "|unknown host|no such host|nxdomain|not resolve host|with hostname|is not valid for|resolving|couldn't resolve"
)

HOSTS = (
    Masker("host", ("ip-",), r"(?<![\w.-])ip-\d{1,3}-\d{1,3}-\d{1,3}-\d{1,3}(?:\.[a-z0-9-]{1,40}){0,4}", None, everywhere=True),
    Masker(
        "host", (".com", ".net", ".org", ".edu", ".gov", ".mil", ".biz"),
        rf"(?:(?<![\w.@/~-])|(?<=//))(?i:(?:{_LABEL}\.){{1,6}}(?:com|net|org|edu|gov|mil|biz)(?:\.[a-z]{{2}})?)(?![\w-]|\.\w){_PATH}",
        _full_name, everywhere=True,
    ),
    Masker(
        "host", (".",),
        r"(?<![\w.@/~-])(?:(?:git|gitlab|nexus\d?|registry|repo|artifactory|mirror|pypi|vpn|login|jupyter|hub|minio|s3|harbor|docker|mail|ldap"
            r"|proxy|wiki|www"
            rf"|mlflow|api|cache|db)\.|(?=[A-Za-z0-9.]{{0,62}}[0-9-]))(?:{_LABEL}\.){{1,5}}"
            rf"(?:io|ai|dev|app|cloud|co|eu|de|uk|fr|ch|nl|se|fi|dk|cz|ru|cn|jp|kr|tw|sg|au|nz|ca|br|mx|tech|systems|info)(?![\w-]|\.\w){_PATH}",
            _full_name, everywhere=True,
    ),
    Masker(
        "host", (".",),
        rf"(?<![\w.@/~-])(?:(?:{_LABEL}\.){{1,6}}(?:internal|intra)|(?:{_LABEL}\.){{2,6}}local"
            rf"|(?=[A-Za-z0-9.]{{0,62}}[0-9-])(?:{_LABEL}\.){{1,6}}local)(?![\w(-]|\.\w){_PATH}", _full_name, everywhere=True,
    ),
    Masker(
        "host", (".svc", ".cluster.local", ".corp", ".lan", ".intranet", ".localdomain", ".home.arpa"),
        rf"(?<![\w.@/~-])(?:{_LABEL}\.){{1,6}}(?:cluster\.local|corp|lan|intranet|localdomain|svc|home\.arpa)(?![\w(-]|\.\w){_PATH}",
        None, everywhere=True,
    ),
    Masker("host", (":/",), rf"(?<![\w.@:/~-])(?=[A-Za-z.-]{{0,62}}\d|[\w-]{{1,62}}\.)(?P<name>{_HOST}):(?=/\w)", _host, everywhere=True),
    Masker(
        "host", ("-h ", "--include", "--exclude"),
        rf"(?:\b(?:mpirun|mpiexec|horovodrun)\b[^\n]{{0,120}}?\s-H|--(?:in|ex)clude)[ =](?P<name>{_HOST})(?=:)", _host, everywhere=True,
    ),
    Masker("host", ("desktop-", "laptop-", "win-"), r"(?<![\w-])(?:DESKTOP|LAPTOP|WIN)-[A-Z0-9]{6,12}(?![\w-])", None, everywhere=True),
    Masker(
        "host", ("macbook", "imac", "mac-mini", "mac-studio", "mbp"),
        r"(?<![\w-])[A-Za-z][\w-]{0,40}s-(?:MacBook|iMac|Mac|MBP)(?:-[A-Za-z0-9]{1,12}){0,3}(?:\.local)?", None, everywhere=True,
    ),
    Masker(
        "host", ("\\\\",),
        r"(?<![^\s\"'=(\[,`])\\{2,8}(?P<name>[A-Za-z0-9][\w.-]{0,62}\\{1,4}[\w.$-]{1,80})(?=[\\\s\"']|$)", _host_told, everywhere=True,
    ),
    Masker("host", ("//",), r"(?<![^\s\"'=(\[,`])//(?P<name>[A-Za-z0-9][\w.-]{0,62}/[\w.$-]{1,80})(?=/)", _host_told, everywhere=True),
    # By what stands before
    Masker(
        "host", ("host", "server", "resolve", "node", "addr", "machine", "computer", "peer", "endpoint", "fqdn"),
        r"(?i)(?<![A-Za-z])(?:host|host[_ -]?name|server|resolve|node|nodename|machine|peer|fqdn|endpoint|address)"
            rf"(?:{EQUALS}|\s{{1,3}}[\\\"'`(\[]{{1,6}}|\s{{1,3}})(?P<name>{_HOST})(?![\w(]|\.\w)", _host, everywhere=True,
    ),
    Masker(
        "host", ("host", "node", "addr", "computername", "machine"),
        rf"(?:(?<![A-Za-z])(?:(?:HOST|HOSTNAME|NODE_NAME|NODENAME|NODELIST|NODE_LIST|MASTER_ADDR|COMPUTERNAME|HOST_NAME){EQUALS}"
            rf"|SLURMD_NODENAME{EQUALS}"
            rf"|(?:host[_-]?|node)name{EQUALS}|(?:NodeList|BatchHost){EQUALS}|(?:[Ll]ocal|[Rr]emote) host:[ \t]{{1,8}}|master_addr{EQUALS})"
            rf"|(?<![\w.])host[ \t]{{2,40}}:[ \t]{{1,8}})(?P<name>{_HOSTS})(?![\w(]|\.\w)", _host_told, everywhere=True,
    ),
    Masker(
        "host", ("--",),
        r"--(?:[a-z]{1,12}[-_]){0,2}(?:host|hosts|hostname|addr|address|endpoint|nodelist|server|nodes)(?:=|\s{1,4})[\\\"']{0,4}"
            rf"(?P<name>{_HOSTS})(?![\w(])", _host_or_address, everywhere=True,
    ),
    Masker("host", ("on ",), rf"\bon\s{{1,3}}[\\\"'`(\[]{{0,6}}(?P<name>{_HOSTS})(?![\w(]|\.\w)", _machine, everywhere=True),
    Masker(
        "host", ("connect", "ping", " on ", "from ", "nodes ", "ssh ", "reach", "host ", "lookup", "not valid for"),
        r"(?i)\b(?:connect(?:ed|ing|ion)? to|connect to host|failure on|on (?:node|host)|login: [^\n]{0,40} from|from host|nodes|ping:?|ssh"
            r"|reach(?:ed|ing)?|host"
            rf"|lookup|not valid for)\s{{1,3}}[\\\"'`(\[]{{0,6}}(?P<name>{_HOSTS})(?![\w(]|\.\w)", _host, everywhere=True,
    ),
    Masker(
        "host", ("resolv", "service not known", "gaierror", "nodename", "getaddrinfo", "unknown host", "no such host", "nxdomain",
            "hostname", "valid for"),
        rf"(?i)(?:{_RESOLVING})(?:\s{{1,3}}(?:host|hostname|the host|name))?[\\\"'`:(\s]{{1,8}}(?P<name>{_HOST})(?![\w(]|\.\w)",
        _host_told, everywhere=True,
    ),
    Masker(
        "host", ("service not known", "name resolution", "no such host"),
        rf"(?P<name>{_HOST})(?:\s{{1,2}}on\s\S{{1,60}})?:\s{{1,3}}(?:Name or service|Temporary failure|no such host)",
        _host_told, everywhere=True,
    ),
    # In logs
    Masker("host", (": [",), rf"(?<=[{{, ])[\\]{{0,4}}'(?P<name>{_HOST})[\\]{{0,4}}': \[\d", _host, everywhere=True),
    Masker("host", (":",), rf"(?<![\w.:/-])(?P<name>{_HOST}):\d{{1,7}}:\d{{1,7}}(?=\s{{1,2}}\[\d{{1,3}}\])", _host_told, everywhere=True),
    Masker(
        "host", ("srun", "slurm", "salloc", "sbatch", "pdsh", "prun"),
        rf"\b(?:srun|slurmstepd|salloc|sbatch|pdsh|prun|clush)(?:@[\w.-]{{1,60}})?:(?: error:)? (?P<name>{_HOSTS}):(?=\s)",
        _host_told, everywhere=True,
    ),
    Masker("host", ("step", "job"), rf"\b(?:STEP|JOB) [\d.+_a-z]{{1,30}} ON (?P<name>{_HOSTS})(?=\s)", _host_told, everywhere=True),
    Masker("host", ("nodes ",), rf"\b[Nn]odes? (?P<name>{_HOSTS}) (?:is|are) (?:ready|not|down|drain)", _host_told, everywhere=True),
    Masker("host", ("[",), rf"\[(?P<name>{_HOST})(?::\d{{2,7}}\]|\]:\d{{2,5}}(?!\d))", _host, everywhere=True),
    Masker("host", (":",), rf"(?<![\w.:/@-])(?P<name>{_HOST}):\d{{4,5}}(?![\w.:])", _host, everywhere=True),
    Masker("host", (",",), rf"\([\\\"']{{1,4}}(?P<name>{_HOST})[\\\"']{{1,4}}, \d{{2,5}}\)", _host, everywhere=True),
    Masker(
        "host", (": ",),
        rf"(?m)(?:^|(?<=[\s\"'>=]))(?P<name>{_HOST}): {{1,4}}(?=Traceback \(|File \"|\[|[A-Z]\w{{2,60}}(?:Error|Exception|Warning)\b"
            rf"|[EWI]\d{{4}} |\d{{4}}-\d\d-\d\d)", _host, everywhere=True,
    ),
    Masker(
        "host", (":",),
        rf"(?<![\d:])(?:[A-Z][a-z]{{2}} [ \d]\d \d\d:\d\d:\d\d|\d\d:\d\d:\d\d(?:\.\d{{1,9}})?[+-]\d\d:\d\d) "
            rf"(?P<name>{_HOST}) [\w./-]{{1,40}}(?:\[\d{{1,8}}\])?:", _host_told, everywhere=True,
    ),
    Masker("host", ("linux ", "darwin "), rf"\b(?:Linux|Darwin) (?P<name>{_HOST}) \d{{1,3}}\.\d{{1,4}}\.\d", _host_told, everywhere=True),
    Masker(
        "host", ("tfevents",),
        r"tfevents\.\d{8,12}\.(?P<name>[A-Za-z0-9][A-Za-z0-9.-]{0,100}?)\.\d{1,8}\.\d{1,4}(?!\d)", _host_told, everywhere=True,
    ),
    Masker("host", ("slots=",), rf"(?<![\w.-])(?P<name>{_HOST})\s{{1,8}}(?:max_)?slots=", _host_told, everywhere=True),
    Masker("host", ("@",), r"(?<![\w.])\d{4,5}@(?P<name>[A-Za-z][\w.-]{1,80})", _host_told, everywhere=True),
    Masker(
        "host", ("@",),
        rf"(?:(?<![\w.@/:%+-])[A-Za-z_][\w.-]{{0,40}}|<user(?:-\d{{1,4}})?>)@(?P<name>{_HOST})(?=:[~/]|[ \t][^\n]{{0,80}}?[$%#>](?:\s|$)"
            rf"|[$%#>](?:\s|$)|'s password)", _host_told, everywhere=True,
    ),
    Masker(
        "host", ("ssh", "scp", "rsync", "sftp"),
        rf"\b(?:ssh|scp|rsync|sftp|mosh)\b[^\n@]{{0,120}}?\s[\w.<>-]{{1,60}}@(?P<name>{_HOST})", _host_told, everywhere=True,
    ),
    Masker(
        "host", ("$ ",),
        rf"(?m)(?:^|(?<=[\s\"'>=]))(?P<name>{_LABEL}):[~/][^\s$#]{{0,80}}(?: [a-z_][\w.-]{{0,31}})?[$#] ", _host_told, everywhere=True,
    ),
)  # fmt: skip


# Containers and pods

_HASH = "bcdfghjklmnpqrstvwxz2456789"
_OBJECTS = (
    "pods?|deployments?(?:\\.apps)?|jobs?(?:\\.batch)?|statefulsets?(?:\\.apps)?|daemonsets?|services?|svc|configmaps?|secrets?|pvc|persistentvolumeclaims?"
    "|pytorchjobs?|rayclusters?|namespaces?"
)


def _object(_: re.Match[str], value: str) -> bool:
    return value not in ("default", "kube-system", "none", "null") and any(each.isalpha() for each in value)


def _hyphenated(match: re.Match[str], value: str) -> bool:
    return "-" in value and _object(match, value)


def _container(match: re.Match[str], value: str) -> bool:
    return bool(re.fullmatch(r"[0-9a-f]{12}|[0-9a-f]{64}", value)) or (_hyphenated(match, value) and not is_public_distribution(value))


def _with_digit(_: re.Match[str], value: str) -> bool:
    return any(each.isdigit() for each in value) and any(each.isalpha() for each in value)


CONTAINERS = (
    Masker(
        "pod", ("-",),
        rf"(?<![\w.-])[a-z](?:[a-z0-9]{{0,30}}-){{1,6}}(?=[a-z]{{0,10}}\d)[{_HASH}]{{8,10}}-[{_HASH}]{{5}}(?![\w-])",
        None, everywhere=True,
    ),
    Masker(
        "pod", ("/",),
        rf"(?<![\w./-])(?:{_OBJECTS})/(?P<name>[a-z0-9][a-z0-9.-]{{1,80}}[a-z0-9])(?![\w/])", _hyphenated, everywhere=True,
    ),
    Masker(
        "pod", ("pod", "namespace", "container"),
        rf"(?i)(?<![A-Za-z])(?:pods?|namespace|container)(?:[ _-](?:id|name))?(?:{EQUALS}"
            rf"|\s{{1,3}}[\\\"'`]{{0,6}})(?P<name>[a-z0-9][a-z0-9.-]{{2,80}})(?![\w-])", _container, everywhere=True,
    ),
    Masker(
        "pod", ("kubectl", "helm"),
        r"\b(?:kubectl|helm|oc)\b[^\n|]{0,80}?\s(?:-n|logs|exec -it|exec|describe|delete pod)\s{1,3}(?P<name>[a-z0-9][a-z0-9.-]{2,80})",
        _hyphenated, everywhere=True,
    ),
    Masker(
        "container", ("docker", "containerd", "libpod", "crio"),
        r"(?:docker|containerd|libpod|crio|lxc|pod)[-/:]{1,3}(?P<name>[0-9a-f]{64}|[0-9a-f]{12})(?![\w-])", None, everywhere=True,
    ),
    Masker(
        "container", ("docker", "podman", "nerdctl"),
        r"\b(?:docker|podman|nerdctl)(?: container)? (?:exec|logs|stop|rm|start|attach|inspect|kill|restart|cp|wait|top|stats"
            r"|run[^\n]{0,80}? --name)"
            r"(?: -{1,2}\w{1,20}){0,4}[ =](?P<name>[A-Za-z0-9][\w.-]{2,80})", _container, everywhere=True,
    ),
)  # fmt: skip


# Addresses and serial numbers

_ASKS_FOR_ADDRESS_WORDS = """
addr address at bind by dns endpoint from gateway host hostname inet ip ips listen master node on peer proxy rank route server ssh ping tcp to url
via
"""
_ASKS_FOR_ADDRESS = frozenset(_ASKS_FOR_ADDRESS_WORDS.split())
_BEFORE_NUMBERS = re.compile(r"""([A-Za-z0-9_.+-]{0,60})["']?[ \t]{0,10}(===?|[<>~!]=|[<>=:|(,])?[ \t]{0,10}["'(]?\Z""")
_AFTER_LABEL = re.compile(LABEL.pattern + r"\s{0,4}\Z")
_COMPARES = ("==", "===", ">=", "<=", "~=", "!=", "<", ">")
_SPEAKS_OF_VERSIONS = re.compile(
    r"(?i)version|driver|release|cud|cublas|cufft|nccl|toolkit|runtime(?!error)|\bv$|firmware|kernel|build|ver$|vbios|[a-z]\d*[-_][a-z0-9]"
)
_MANY = 250
"""The numbers of a version add up to less, those of an address nearly always to more."""


def _address(match: re.Match[str], value: str) -> bool:
    """Four numbers are an address unless what stands before them speaks of versions, or they look like one: `ffmpeg 6.1.1.0`."""
    parts = [int(each) for each in value.split(".")]
    written = value.split(".")
    if any(number > 255 or (len(each) > 1 and each[0] == "0") for number, each in zip(parts, written, strict=True)):
        return False
    if parts[0] in (0, 127) or value == "255.255.255.255":
        return False
    text = match.string
    around = text[max(match.start() - 60, 0) : match.start()]
    before = None if _AFTER_LABEL.search(around) else _BEFORE_NUMBERS.search(around)
    name, operator = (before[1], before[2]) if before else ("", None)
    if _ASKS_FOR_ADDRESS.intersection(re.split(r"[^a-z]+", name.lower())) or re.match(r":\d{2}|/\d", text[match.end() : match.end() + 3]):
        return True
    if not text[: match.start()].strip() and not text[match.end() :].strip():
        return _private_range(parts)  # No fact is an address by itself; many are versions.
    if (operator in _COMPARES and (name or operator not in "<>")) or _SPEAKS_OF_VERSIONS.search(name) or is_public_distribution(name):
        return False
    return _private_range(parts) or sum(parts) > _MANY


def _private_range(parts: list[int]) -> bool:
    first, second = parts[:2]
    return first == 10 or (first, second) in ((192, 168), (169, 254)) or (first == 172 and 16 <= second < 32)


def _address_6(_: re.Match[str], value: str) -> bool:
    """`c10::add` would be one too."""
    try:
        address = ipaddress.IPv6Address(value)
    except ValueError:
        return False
    groups = sum(1 for group in value.split(":") if group)
    return (groups >= 3 or _ROUTED.match(value) is not None) and not address.is_loopback and not address.is_unspecified


_ROUTED = re.compile(r"(?i)fe80:|f[cd][0-9a-f]{2}:|2[0-9a-f]{3}:")


def _hardware_address(_: re.Match[str], value: str) -> bool:
    """With hyphens, a date and a time may look the same."""
    return ":" in value or any(each.isalpha() for each in value)


def _serial(_: re.Match[str], value: str) -> bool:
    return sum(each.isdigit() for each in value) >= 3


_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_PAIR = r"[0-9a-f]{2}\1"
NUMBERS = (
    Masker(
        "gpu", ("gpu-", "mig-", "gi-", "ci-"),
        rf"(?i)(?<![\w-])(?:MIG-)?(?:GPU|MIG|VGPU|GI|CI)-(?:{_UUID}|[0-9a-f]{{8,32}})(?:/\d{{1,3}}){{0,2}}",
    ),
    Masker("uuid", ("-",), rf"(?i)(?<![0-9a-f-]){_UUID}(?![0-9a-f-])"),
    Masker("uuid", ("machine",), r"(?i)\bmachine[-_ ]?id\b[\\\"']{0,6}\s{0,20}[=:]?\s{0,20}[\\\"']{0,6}(?P<value>[0-9a-f]{32})"),
    Masker(
        "serial", ("serial", "s/n", "service tag", "asset tag", "pdi", "guid"),
        r"(?i)(?:\b(?:serial(?:[ _-]{0,2}(?:number|no\.?|num))?|s/n|service tag|asset tag|pdi)|serial[_-]?number|\bguid|_guid)"
            r"(?:[\\\"'.]{0,6}\s{0,60}[=:>|]\s{0,60}[\\\"']{0,6}|(?<=number)\s{1,3})(?:0x)?(?P<value>[A-Za-z0-9][A-Za-z0-9:-]{4,60})",
            _serial, everywhere=True,
    ),
    Masker(
        "instance", ("-",),
        r"(?<![\w-])(?:i|vol|vpc|subnet|sg|eni|ami|snap|rtb|igw|eipalloc|nat|acl|tgw|lt)-[0-9a-f]{8}(?:[0-9a-f]{9})?(?![\w-])",
        _with_digit, everywhere=True,
    ),
    Masker(
        "mac", (":", "-"),
        rf"(?i)(?<![0-9a-z:-])(?:[0-9a-f]{{2}}([:-]))(?:{_PAIR}){{4}}(?:(?:{_PAIR}){{2}}|(?:{_PAIR}){{14}})?[0-9a-f]{{2}}(?![0-9a-z:-])",
        _hardware_address,
    ),
    Masker("ip", (":",), r"(?<![\w:.])[0-9A-Fa-f:]{2,39}(?:\d{1,3}(?:\.\d{1,3}){3})?(?![\w:]|\.\w)", _address_6),
    Masker("ip", (".",), r"(?<![\w.+-])\d{1,3}(?:\.\d{1,3}){3}(?![\w+-]|\.\w)", _address),
)  # fmt: skip

MACHINES = (*HOSTS, *CONTAINERS, *NUMBERS)
