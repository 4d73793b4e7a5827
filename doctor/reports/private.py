"""What private values look like: one masker for each kind of them. Pure, and linear in the length of the text.

Every repetition has an upper bound or stands behind something that can begin at few places, so that no text makes a pattern slow.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from doctor.reports.public_names import PUBLIC_USERS, is_public_distribution, is_public_host

Accept = Callable[[re.Match[str], str], bool]
"""Whether what matched is private after all; the second argument is the part that would be masked."""

LABEL = re.compile(r"<[a-z]+(?:-[a-z]+)*(?:-\d+)?>")
"""What stands in place of a masked value: `<token>`, `<token-2>`."""
CONTROL_CHARACTER = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
"""With these a hostile text could steer a terminal or hide what it says; the last are what a path that is not UTF-8 leaves in a string."""


@dataclass(frozen=True, slots=True)
class Masker:
    """One way in which one kind of private value shows."""

    kind: str
    """What the label says: `token`."""
    needs: str
    """A character without which the pattern cannot match: most texts are passed over for the price of looking for it."""
    pattern: re.Pattern[str]
    """The last named group that matched is what is masked; without one, all of it."""
    accept: Accept | None = None
    everywhere: bool = False
    """Whether the value, once seen, is masked wherever else it stands, in a form that nothing would give away."""


def private_parts(masker: Masker, text: str) -> Iterator[tuple[int, int]]:
    """Beginning and end of what one masker finds in `text`."""
    for match in masker.pattern.finditer(text):
        start, end = match.span(match.lastgroup or 0)
        value = text[start:end]
        if value and not LABEL.fullmatch(value) and (masker.accept is None or masker.accept(match, value)):
            yield start, end


# Tokens

_VALUE = r"""(?:\\{0,2}"(?P<quoted>[^"\n]{1,400})"|\\{0,2}'(?P<single>[^'\n]{1,400})'|(?P<bare>[^\s"'`,;&<>(){}\[\]|]{1,400}))"""
_NOTHING_SECRET = re.compile(
    r"(?i)(?:none|null|true|false|yes|no|set|unset|not set|missing|str|int|bool|bytes|any|dict|list|optional.{0,99}|union.{0,99}"
    r"|\*+|x+|\.+|-+|\d{1,5}|<.*>|\(set\))"
)
_CODE = re.compile(r"[A-Za-z_]\w{0,100}(?:\.[A-Za-z_]\w{0,100}){1,20}|self")
"""A value without quotes that is a name in a program."""
_SPECIAL = """
additional answer audio bos cls current decoder draft end eos first forced generated image input last mask max min new next num output pad
previous prompt sampled sep source special start stop target text unk video vision
"""
_SECRET = """
access account api app auth aws azure bearer bot client consumer deploy encryption gcp github gitlab hf hub huggingface id jwt license master
oauth openai personal private refresh secret service session shared signing ssh storage subscription user wandb
"""
_SPECIAL_TOKENS, _SECRET_QUALIFIERS = frozenset(_SPECIAL.split()), frozenset(_SECRET.split())
_CAMEL_QUALIFIERS = ("access", "account", "api", "auth", "private", "secret", "session")
_ALWAYS_SECRET = ("secret", "password", "passwd", "passphrase", "apikey", "credential", "credentials")


def _assigned_secret(match: re.Match[str], value: str) -> bool:
    """Whether a name says that what is assigned to it is secret. Models have tokens and keys of their own, which are not."""
    word, bare = match["word"].lower(), match.lastgroup == "bare"
    name = _name_before(match.string, match.start("word")) + match["word"]
    if _NOTHING_SECRET.fullmatch(value) or (bare and not name.isupper() and _CODE.fullmatch(value)):
        return False
    before = name[: -len(word)].rstrip("_-.").lower()
    qualifier = re.split(r"[_.-]", before)[-1]
    qualified = qualifier in _SECRET_QUALIFIERS or before.endswith(_CAMEL_QUALIFIERS)
    if word in _ALWAYS_SECRET:
        return True
    if word == "pwd":
        return value[0] not in "/~" and value[1:2] != ":"
    if word == "token":
        return qualifier not in _SPECIAL_TOKENS and (name.isupper() or qualified or _may_be_token(value))
    named = qualified or (before != "" and name.isupper())
    return (named and len(value) >= 4) or looks_random(value) or _HEX.fullmatch(value) is not None


_HEX = re.compile(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}")


def _name_before(text: str, end: int) -> str:
    found = re.search(r"[A-Za-z0-9_.-]{0,64}$", text[max(end - 64, 0) : end])
    return found[0] if found else ""


def _may_be_token(value: str) -> bool:
    varied = any(each.isdigit() for each in value) or len(value) >= 20
    return len(value) >= 8 and varied and re.fullmatch(r"[\w./+=:~-]{8,4000}", value) is not None and any(each.isalpha() for each in value)


def looks_random(value: str) -> bool:
    """Whether no word, name or version looks like this: letters of both cases and digits, changing all the time."""
    if len(value) < 20 or value.startswith(("_Z", "ZN")):
        return False
    classes = ["u" if each.isupper() else "l" if each.islower() else "d" for each in value if each.isalnum()]
    changes = sum(one != other for one, other in pairwise(classes))
    return min(classes.count(each) for each in "uld") >= 2 and changes >= 0.42 * len(classes)


def _bearer(_: re.Match[str], value: str) -> bool:
    return any(each.isdigit() or each == "=" for each in value) or (len(value) >= 20 and not value.islower())


def _random_word(match: re.Match[str], value: str) -> bool:
    """The names that C++ compilers make look random too."""
    return looks_random(value) and not _MANGLED.search(match.string, max(match.start() - 200, 0), match.start())


_MANGLED = re.compile(r"\b_Z\w*$")
_SECRET_WORDS = "token|secret|password|passwd|passphrase|pwd|apikey|key|credentials?|signature|sig|auth"
_SHAPES = "|".join([
    r"hf_[A-Za-z0-9]{12,200}", r"api_org_[A-Za-z0-9]{12,200}",
    r"gh[pousr]_[A-Za-z0-9]{16,300}", r"github_pat_[A-Za-z0-9_]{16,300}", r"gl(?:pat|dt|rt|cbt)-[A-Za-z0-9_.-]{16,300}",
    r"sk-[A-Za-z0-9_-]{16,300}", r"[rsp]k_(?:live|test)_[A-Za-z0-9]{10,300}", r"gsk_[A-Za-z0-9]{16,300}", r"nvapi-[A-Za-z0-9_-]{16,300}",
    r"(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA)[A-Z0-9]{12,20}", r"AIza[A-Za-z0-9_-]{30,60}", r"ya29\.[A-Za-z0-9_.-]{16,400}",
    r"GOCSPX-[A-Za-z0-9_-]{16,60}", r"xox[abeoprs]-[A-Za-z0-9-]{10,300}", r"xapp-[A-Za-z0-9-]{10,300}",
    r"npm_[A-Za-z0-9]{20,100}", r"pypi-[A-Za-z0-9_-]{40,600}", r"pypi-AgE[A-Za-z0-9_-]{8,600}",
    r"eyJ[A-Za-z0-9_-]{8,3000}\.[A-Za-z0-9_-]{4,3000}(?:\.[A-Za-z0-9_-]{0,3000})?",
    r"r8_[A-Za-z0-9]{20,100}", r"dapi[0-9a-f]{32}(?:-\d)?", r"SG\.[A-Za-z0-9_-]{16,40}\.[A-Za-z0-9_-]{16,100}", r"SK[0-9a-f]{32}",
    r"do[opr]_v1_[0-9a-f]{32,80}", r"wandb_v1_[A-Za-z0-9_-]{16,200}", r"dckr_pat_[A-Za-z0-9_-]{16,100}", r"hvs\.[A-Za-z0-9_-]{16,200}",
    r"\d{8,10}:AA[A-Za-z0-9_-]{30,40}", r"ssh-(?:rsa|ed25519|dss) [A-Za-z0-9+/=]{40,2000}", r"AGE-SECRET-KEY-[A-Z0-9]{20,100}",
])  # fmt: skip
_HEADER = r"""["'\\]{0,3}\s{0,4}[:=]\s{0,4}["']?(?P<value>[^"'\n]{4,2000})"""

SECRETS = (
    Masker(
        "private-key", "-",
        re.compile(r"-----BEGIN [A-Z ]{0,40}(?:PRIVATE KEY|CERTIFICATE)[A-Z ]{0,20}-----.*?(?:-----END [A-Z ]{0,60}-----|\Z)", re.DOTALL),
    ),
    Masker("token", "", re.compile(r"(?i)\b(?:authorization|x-api-key|x-amz-security-token|private-token)" + _HEADER), None, everywhere=True),
    Masker("cookie", "", re.compile(r"(?i)\b(?:set-)?cookie" + _HEADER)),
    Masker("token", " ", re.compile(r"(?i)\b(?:bearer|basic|negotiate)\s{1,4}(?P<value>[A-Za-z0-9._~+/=-]{8,2000})"), _bearer, everywhere=True),
    Masker("token", "", re.compile(rf"(?<![A-Za-z0-9_])(?:{_SHAPES})"), None, everywhere=True),
    Masker(
        "token", "-",
        re.compile(
            r"(?i)--(?:[a-z0-9]{1,20}-){0,3}(?:token|password|secret|api-key|access-key|auth-key)(?:=|\s{1,4})['\"]?(?P<value>[^\s'\"-][^\s'\"]{5,400})"
        ), None, everywhere=True,
    ),
    Masker("token", " ", re.compile(r"(?i)\blogin\s{1,4}\S{1,100}\s{1,4}password\s{1,4}(?P<value>\S{1,400})"), None, everywhere=True),
    Masker(
        "token", "",
        re.compile(rf"""(?i)(?P<word>{_SECRET_WORDS})["'\]\\]{{0,4}}[ \t]{{0,4}}(?:=>|==|=|:)[ \t]{{0,4}}(?:[bru]{{1,2}}(?=["']))?{_VALUE}"""),
        _assigned_secret, everywhere=True,
    ),
    Masker("token", "", re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]{20,200}(?![A-Za-z0-9])"), _random_word, everywhere=True),
)  # fmt: skip
"""Masked in every output. In this order: what is longer, and says more clearly what it is, before what is shorter."""


# People and machines

_MEANT_FOR_EVERYBODY = frozenset({"git", "noreply", "you", "user", "username"})


def _email(match: re.Match[str], value: str) -> bool:
    """Code has `q@k.transpose(...)`, and a git remote `git@github.com:`."""
    local, _, domain = value.partition("@")
    ending = domain.rpartition(".")[2]
    called = match.string[match.end() : match.end() + 1] in "([" and match.end() < len(match.string)
    return local.lower() not in _MEANT_FOR_EVERYBODY and not called and (ending.islower() or ending.isupper()) and not domain.startswith("self.")


def _other_user(_: re.Match[str], value: str) -> bool:
    return value.lower() not in PUBLIC_USERS and value not in ("...", "*", "~") and not value.startswith("$")


def _host(_: re.Match[str], value: str) -> bool:
    return not is_public_host(value) and not re.fullmatch(r"[\d.]+", value) and any(each in value for each in ".-0123456789")


def _package_folder(_: re.Match[str], value: str) -> bool:
    return not is_public_distribution(value) and not value.startswith("_")


def _remote(_: re.Match[str], value: str) -> bool:
    return not is_public_host(value.partition(":")[0])


_PEOPLE = (
    Masker(
        "user", "/",
        re.compile(r"(?:(?<![\w.~>/-])|(?<=file://))(?:/[A-Za-z0-9._-]{1,40}){0,3}/(?:home|homes|Users|users)/(?P<name>[^/\\\s\"'<>:,;()\[\]]{1,64})"),
        _other_user, everywhere=True,
    ),
    Masker("user", "\\", re.compile(r"[A-Za-z]:\\{1,2}Users\\{1,2}(?P<name>[^\\/:*?\"<>|\n]{1,64})"), _other_user, everywhere=True),
    Masker("host", "@", re.compile(r"(?<![\w.])git@(?P<name>[A-Za-z0-9.-]{1,200}:[^\s'\"]{1,400})"), _remote),
    Masker(
        "email", "@", re.compile(r"(?<![\w.%+@-])[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,6}[A-Za-z]{2,24}(?![\w@])"),
        _email, everywhere=True,
    ),
    Masker(
        "host", "",
        re.compile(
            r"""(?i)\b(?:host|hostname|server|resolve|node)(?:["']?\s{0,2}[=:]\s{0,2}["']?|\s{1,2}["'])"""
            r"(?P<name>[A-Za-z0-9][A-Za-z0-9-]{0,62}(?:\.[A-Za-z0-9-]{1,63}){0,6})(?![\w(])"
        ), _host, everywhere=True,
    ),
    Masker("host", "-", re.compile(r"(?<![\w.-])ip-\d{1,3}-\d{1,3}-\d{1,3}-\d{1,3}(?:\.[a-z0-9-]{1,40}){0,4}"), None, everywhere=True),
    Masker(
        "host", ".",
        re.compile(
            r"(?<![\w.@/-])(?=[A-Za-z0-9.]{0,62}[0-9-])[A-Za-z0-9][A-Za-z0-9-]{0,62}(?:\.[A-Za-z0-9-]{1,63}){0,4}\."
            r"(?:internal|local|lan|corp|intra|intranet|localdomain)(?![\w(.])"
        ), None, everywhere=True,
    ),
    Masker("package", "-", re.compile(r"(?:site|dist)-packages[\\/]{1,2}(?P<name>[A-Za-z0-9_]{1,100})"), _package_folder, everywhere=True),
)  # fmt: skip


# Addresses and serial numbers

_BEFORE_ADDRESS = "addr address at bind dns endpoint from gateway host hostname inet ip listen master node on peer proxy rank server tcp to url via"
_ASKS_FOR_ADDRESS = frozenset(_BEFORE_ADDRESS.split())
_BEFORE_NUMBERS = re.compile(r"""([A-Za-z0-9_.+-]{0,60})["']?\s{0,10}(===?|[<>~!]=|[<>=:|(])?\s{0,10}["'(]?$""")
_COMPARES = ("==", "===", ">=", "<=", "~=", "!=", "<", ">")
_SPEAKS_OF_VERSIONS = re.compile(
    r"(?i)version|driver|release|cud|cublas|cufft|nccl|toolkit|runtime|\bv$|firmware|kernel|build|ver$|[a-z]\d*[-_][a-z0-9]"
)


def _address(match: re.Match[str], value: str) -> bool:
    """Four numbers are an address unless what stands before them speaks of versions: `nvidia-cudnn-cu12 9.1.0.70`."""
    parts = value.split(".")
    if any(int(part) > 255 or (len(part) > 1 and part[0] == "0") for part in parts) or parts[0] in ("127", "0") or value == "255.255.255.255":
        return False
    text = match.string
    before = _BEFORE_NUMBERS.search(text[max(match.start() - 60, 0) : match.start()])
    name, operator = (before[1], before[2]) if before else ("", None)
    if _ASKS_FOR_ADDRESS.intersection(re.split(r"[^a-z]+", name.lower())) or re.match(r":\d{2}|/\d", text[match.end() : match.end() + 3]):
        return True
    if not text[: match.start()].strip() and not text[match.end() :].strip():
        return False  # No fact is an address by itself; many are versions.
    return operator not in _COMPARES and not _SPEAKS_OF_VERSIONS.search(name) and not is_public_distribution(name)


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
_NUMBERS = (
    Masker("gpu", "-", re.compile(rf"(?i)(?<![\w-])(?:MIG-)?(?:GPU|MIG|VGPU|GI|CI)-(?:{_UUID}|[0-9a-f]{{8,32}})(?:/\d{{1,3}}){{0,2}}")),
    Masker("uuid", "-", re.compile(rf"(?i)(?<![0-9a-f-]){_UUID}(?![0-9a-f-])")),
    Masker("uuid", "", re.compile(r"(?i)\bmachine[-_ ]?id\b[\"']?\s{0,2}[=:]?\s{0,2}[\"']?(?P<value>[0-9a-f]{32})")),
    Masker(
        "serial", "",
        re.compile(r"(?i)\bserial(?:[ _-]{0,2}(?:number|no\.?|num))?[\"']?\s{0,4}[=:]\s{0,4}[\"']?(?P<value>[A-Za-z0-9-]{5,60})"),
        _serial, everywhere=True,
    ),
    Masker(
        "mac", "",
        re.compile(rf"(?i)(?<![0-9a-z:-])(?:[0-9a-f]{{2}}([:-]))(?:{_PAIR}){{4}}(?:(?:{_PAIR}){{2}}|(?:{_PAIR}){{14}})?[0-9a-f]{{2}}(?![0-9a-z:-])"),
        _hardware_address,
    ),
    Masker("ip", ":", re.compile(r"(?<![\w:.])[0-9A-Fa-f:]{2,39}(?:\d{1,3}(?:\.\d{1,3}){3})?(?![\w:]|\.\w)"), _address_6),
    Masker("ip", ".", re.compile(r"(?<![\w.+-])\d{1,3}(?:\.\d{1,3}){3}(?![\w+-]|\.\w)"), _address),
)  # fmt: skip

MASKERS = (*SECRETS, *_PEOPLE, *_NUMBERS)


# Addresses of services

_SCHEMES = (
    "https?|wss?|ftps?|sftp|ssh|git|tcp|udp|ldaps?|nfs|smb|(?:git|hg|svn|bzr)\\+[a-z]{2,6}|s3|gs|gcs|abfss?|wasbs?|az|rediss?|postgres(?:ql)?"
    "|mysql|mongodb(?:\\+srv)?|amqps?|file"
)
URL = re.compile(
    rf"(?i)\b(?P<scheme>{_SCHEMES})://(?P<user>[^/\s\"'<>]{{1,400}}@)?"
    r"(?P<host>\[[0-9a-f:.]{2,45}\]|[^/\s\"'<>:?#@()\[\]{},;`\\]{1,255})(?P<port>:\d{1,5})?(?P<rest>[^\s\"'<>`)]{0,2000})"
)
_STORES = ("s3", "gs", "gcs", "abfs", "abfss", "wasb", "wasbs", "az", "nfs", "smb")


def is_private_address(scheme: str, host: str) -> bool:
    """Whether what an address of this kind points at is somebody's own. A bucket's name is; a file's path is judged as a path."""
    return scheme.lower() != "file" and (scheme.lower() in _STORES or not is_public_host(host))


def names_a_secret(name: str) -> bool:
    """Whether a variable of this name holds something secret: `HF_TOKEN`, `AWS_SECRET_ACCESS_KEY`, `PIP_PASSWORD`."""
    return re.search(r"(?i)(?:token|secret|passw(?:or)?d|passphrase|credentials?|(?:^|_)key|apikey)$", name) is not None or "SECRET" in name.upper()
