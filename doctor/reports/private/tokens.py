"""Secrets: what gives itself away by its shape, and what the words around it give away."""

from __future__ import annotations

import re
from itertools import pairwise

from doctor.reports.private.masker import Masker

_VALUE = (
    r"""(?:\\{0,8}"(?P<quoted>[^"\n]{1,400}?)\\{0,8}"|\\{0,8}'(?P<single>[^'\n]{1,400}?)\\{0,8}'"""
    r"""|(?P<bare>[^\s"'`,;&<>(){}\[\]|\\\ufffd]{1,400}))"""
)
_NOTHING_SECRET = re.compile(
    r"(?i)(?:none|null|true|false|yes|no|set|unset|not set|missing|required|optional|str|int|bool|bytes|any|dict|list|optional.{0,99}|union.{0,99}"
    r"|\*+|x+|\.+|-+|\d{1,5}|<.*>|\(set\)|\$.*)"
)
_CODE = re.compile(r"[A-Za-z_]\w{0,100}(?:\.[A-Za-z_]\w{0,100}){1,20}|self")
"""A value without quotes that is a name in a program."""
_SPECIAL = """
additional answer audio bos cls current decoder draft end eos first forced generated image input last mask max min new next num output pad
previous prompt sampled sep source special start stop target text unk video vision
"""
_SECRET = """
access account api app auth aws azure bearer bot client consumer deploy encryption gcp github gitlab hf hub huggingface id jwt license licence
master oauth openai personal private refresh secret service session shared signing ssh storage subscription user wandb
"""
_LOOKED_UP_WORDS = """
cache hash graph kernel compile compilation dict state layer weight param primary foreign lookup sort group file etag digest triton fx inductor
"""
_LOOKED_UP = frozenset(_LOOKED_UP_WORDS.split())
"""Keys of these are digests that everybody computes."""
_SPECIAL_TOKENS, _SECRET_QUALIFIERS = frozenset(_SPECIAL.split()), frozenset(_SECRET.split())
_CAMEL_QUALIFIERS = ("access", "account", "api", "auth", "private", "secret", "session")
_ALWAYS_SECRET = (
    "secret", "secrets", "password", "passwords", "passwd", "passphrase", "passcode", "apikey", "credential", "credentials", "passwort",
    "kennwort", "senha", "mot de passe",
)  # fmt: skip


def _assigned_secret(match: re.Match[str], value: str) -> bool:
    """Whether a name says that what is assigned to it is secret. Models have tokens and keys of their own, which are not."""
    word, bare = match["word"].lower(), match.lastgroup == "bare"
    name = _name_before(match.string, match.start("word")) + match["word"]
    if _NOTHING_SECRET.fullmatch(value) or (bare and not name.isupper() and _CODE.fullmatch(value)):
        return False
    before = (name[: -len(word)] or _words_before(match.string, match.start("word"))).rstrip("_-. ").lower()
    qualifier = re.split(r"[_.\s-]", before)[-1]
    qualified = qualifier in _SECRET_QUALIFIERS or before.endswith(_CAMEL_QUALIFIERS)
    if word in _ALWAYS_SECRET or not word.isascii() or "\\" in word:
        return True
    if word == "pwd":
        return value[0] not in "/~" and value[1:2] != ":"
    if name == "PASS":
        return _may_be_password(value)
    if word in ("pass", "pw", "pat", "dsn"):
        return (before != "" and (name.isupper() or "_" in name)) or not (bare or value.isalpha())
    if word == "token":
        return qualifier not in _SPECIAL_TOKENS and (name.isupper() or qualified or _may_be_token(value))
    if _LOOKED_UP.intersection(re.split(r"[_.\s-]", before)):
        return False
    named = qualified or (before != "" and name.isupper())
    return (named and len(value) >= 4) or looks_random(value) or _HEX.fullmatch(value) is not None


_HEX = re.compile(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}")
_NAME_BEFORE = re.compile(r"[A-Za-z0-9_.-]{0,64}\Z")
_WORDS_BEFORE = re.compile(r"(?:[a-z]{2,12} ){0,2}[A-Za-z]{2,16} \Z")


def _name_before(text: str, end: int) -> str:
    found = _NAME_BEFORE.search(text[max(end - 64, 0) : end])
    return found[0] if found else ""


def _words_before(text: str, end: int) -> str:
    """In prose: `the cache key`."""
    found = _WORDS_BEFORE.search(text[max(end - 48, 0) : end])
    return found[0] if found else ""


def _may_be_password(value: str) -> bool:
    return any(each.isdigit() for each in value) and any(each.isalpha() for each in value) and "." not in value


def _may_be_token(value: str) -> bool:
    varied = any(each.isdigit() for each in value) or len(value) >= 20
    return len(value) >= 8 and varied and re.fullmatch(r"[\w./+=:~-]{8,4000}", value) is not None and any(each.isalpha() for each in value)


_OF_THE_TRADE = re.compile(
    r"(?i)attention|attn|backward|bert|block|cache|causal|chat|config|conv|cuda|decoder|dense|embed|encoder|error|expert|flash|float|forward|fused|gelu"
    r"|gemm|gemma|gguf|gptq|head|instruct|int[48]|kernel|layer|linear|llama|model|module|norm|pool|quant|qwen|relu|tensor|transformer|vision"
)
"""Words that classes and kernels are named with, digits or not."""


def looks_random(value: str) -> bool:
    """Whether no word, name or version looks like this: letters of both cases and digits, changing all the time."""
    if len(value) < 20 or value.startswith(("_Z", "ZN")):
        return False
    classes = ["u" if each.isupper() else "l" if each.islower() else "d" for each in value if each.isalnum()]
    changes = sum(one != other for one, other in pairwise(classes))
    random = min(classes.count(each) for each in "uld") >= 2 and changes >= (0.42 if len(value) < 32 else 0.34) * len(classes)
    return random and not (len(value) < 64 and _OF_THE_TRADE.search(value))


def _bearer(_: re.Match[str], value: str) -> bool:
    return any(each.isdigit() or each == "=" for each in value) or (len(value) >= 20 and not value.islower())


def _random_word(match: re.Match[str], value: str) -> bool:
    """The names that C++ compilers make look random too, and so do the digests of RECORD."""
    before = match.string[max(match.start() - 200, 0) : match.start()]
    return looks_random(value) and not _MANGLED_OR_DIGEST.search(before)


_MANGLED_OR_DIGEST = re.compile(r"(?:\b_Z\w{0,200}|sha\d{1,3}[=:-][\w-]{0,64})\Z")


_NO_PASSWORD_WORDS = """
a an and are at authentication being by cannot changed correct deprecated does empty encrypted expired failed failure field file for from given hash
hidden has if in incorrect invalid is it long masked missing must needed no none not null of on or optional policy prompt protected rejected
required reset set should short stored the to too unset used valid was weak will with wrong your
"""
_NO_PASSWORD = frozenset(_NO_PASSWORD_WORDS.split())
"""What a sentence about a password goes on with when it does not say which."""


def _told_password(_: re.Match[str], value: str) -> bool:
    return value.strip(".!?:").lower() not in _NO_PASSWORD and not _NOTHING_SECRET.fullmatch(value)


def _told_token(match: re.Match[str], value: str) -> bool:
    """A secret that a sentence tells has a digit in it."""
    return any(each.isdigit() for each in value) and len(value) >= 6 and _told_password(match, value)


def _login(match: re.Match[str], value: str) -> bool:
    """`docker run -u 1000:1000` names nobody."""
    return not re.fullmatch(r"\d{1,10}:\d{1,10}|\$.*", value)


def _option(match: re.Match[str], value: str) -> bool:
    option = re.split(r"[-_]", match["option"].lower())
    return not _SPECIAL_TOKENS.intersection(option) and not _NOTHING_SECRET.fullmatch(value)


def _also_escaped(words: str) -> str:
    r"""With each character that is not ASCII also as JSON writes it: `contrase\\u00f1a`."""
    return re.sub(r"[^\x00-\x7f]", lambda match: rf"(?:{match[0]}|\\{{1,8}}u{ord(match[0]):04x})", words)


_WIDE_COLON = "\N{FULLWIDTH COLON}"
_SECRET_WORDS = _also_escaped(
    "token|secrets?|passwords?|passwd|passphrase|passcode|pass|pwd|pw|pat|dsn|apikey|keys?|credentials?|signature|sig|auth|passwort|kennwort"
    "|contraseña|senha|mot de passe|密码|口令|пароль|비밀번호"
)
_SHAPES = "|".join([
    # Models and trackers
    r"hf_[A-Za-z0-9]{12,200}", r"api_org_[A-Za-z0-9]{12,200}", r"sk-[A-Za-z0-9_-]{16,300}", r"gsk_[A-Za-z0-9]{16,300}",
    r"nvapi-[A-Za-z0-9_-]{16,300}", r"xai-[A-Za-z0-9]{20,200}", r"pplx-[A-Za-z0-9]{20,200}", r"r8_[A-Za-z0-9]{20,100}",
    r"pcsk_[A-Za-z0-9_]{20,200}", r"lsv2_(?:pt|sk)_[A-Za-z0-9_]{16,200}", r"rpa_[A-Za-z0-9]{20,200}", r"tgp_v1_[A-Za-z0-9_-]{16,200}",
    r"fw_[A-Za-z0-9]{20,100}", r"wandb_v1_[A-Za-z0-9_-]{16,200}", r"eyJ[A-Za-z0-9_-]{40,3000}={0,2}(?![\w.-])",
    # Code and packages
    r"gh[pousr]_[A-Za-z0-9]{16,300}", r"github_pat_[A-Za-z0-9_]{16,300}", r"gl[a-z]{2,5}-[A-Za-z0-9_.-]{16,300}", r"ATATT3[A-Za-z0-9_=-]{20,400}",
    r"ATBB[A-Za-z0-9_=]{20,200}", r"npm_[A-Za-z0-9]{20,100}", r"pypi-[A-Za-z0-9_-]{40,600}", r"pypi-AgE[A-Za-z0-9_-]{8,600}",
    r"rubygems_[0-9a-f]{32,80}", r"dckr_[op]at_[A-Za-z0-9_-]{16,100}", r"AKCp[A-Za-z0-9]{40,120}", r"lin_api_[A-Za-z0-9]{20,100}",
    r"PMAK-[0-9a-f-]{30,100}", r"figd_[A-Za-z0-9_-]{20,100}", r"ntn_[A-Za-z0-9]{20,100}", r"sntry[su]_[A-Za-z0-9+/=_-]{20,300}",
    # Clouds
    r"(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA)[A-Z0-9]{12,20}", r"LTAI[A-Za-z0-9]{12,30}", r"AIza[A-Za-z0-9_-]{30,60}", r"ya29\.[A-Za-z0-9_.-]{16,400}",
    r"GOCSPX-[A-Za-z0-9_-]{16,60}", r"[A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{30,40}", r"dapi[0-9a-f]{32}(?:-\d)?", r"do[opr]_v1_[0-9a-f]{32,80}",
    r"HRKU-[A-Za-z0-9_-]{30,80}", r"fm[12]_[A-Za-z0-9+/=_-]{20,600}", r"fo1_[A-Za-z0-9_-]{20,100}", r"sbp_[0-9a-f]{32,60}",
    r"pscale_[a-z]{2,8}_[A-Za-z0-9_.-]{20,100}", r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{40,100}", r"hv[sbr]\.[A-Za-z0-9_-]{16,300}",
    r"dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9_.-]{20,100}", r"tskey-[a-z]{2,12}-[A-Za-z0-9-]{16,100}", r"ocid1\.[a-z]{2,30}\.[a-z0-9.-]{4,200}",
    # Messages, payments, monitoring
    r"xox[abeoprs]-[A-Za-z0-9-]{10,300}", r"xapp-[A-Za-z0-9-]{10,300}", r"\d{8,10}:AA[A-Za-z0-9_-]{30,40}",
    r"SG\.[A-Za-z0-9_-]{16,40}\.[A-Za-z0-9_-]{16,100}",
    r"[MNO][A-Za-z0-9_-]{22,28}\.[A-Za-z0-9_-]{6,7}\.[A-Za-z0-9_-]{27,40}", r"(?:SK|AC)[0-9a-f]{32}", r"key-[0-9a-f]{32}",
    r"[rsp]k_(?:live|test)_[A-Za-z0-9]{10,300}", r"sq0[a-z]{3}-[A-Za-z0-9_-]{20,60}", r"shp[a-z]{2}_[0-9a-fA-F]{32}", r"NRAK-[A-Z0-9]{20,40}",
    r"gls[ac]_[A-Za-z0-9_=+/-]{20,400}",
    # Keys and what is made of them
    r"eyJ[A-Za-z0-9_-]{8,3000}\.[A-Za-z0-9_-]{4,3000}(?:\.[A-Za-z0-9_-]{0,3000})?", r"LS0tLS1CRUdJTi[A-Za-z0-9+/=]{20,4000}",
    r"(?:ssh|ecdsa)-[a-z0-9-]{2,30} AAAA[A-Za-z0-9+/=]{40,2000}(?: [\w.@-]{1,80})?", r"AGE-SECRET-KEY-[A-Z0-9]{20,100}",
    r"SHA256:[A-Za-z0-9+/]{43}(?![\w+/])",
])  # fmt: skip
_HASHED = r"\$(?:apr1|1|5|6|y|2[abxy]|argon2(?:id|i|d)|scrypt|pbkdf2[a-z0-9-]{0,12})\$[A-Za-z0-9./$=,+-]{16,300}"
_HEADERS = (
    "(?:proxy-)?authorization|(?:x-(?:[a-z]{2,12}-){0,2}|private-|api-|deploy-|job-|ocp-apim-subscription-|xi-api-|dd-api-|dd-application-|apim-)"
    "(?:key|token|secret)"
)
_HEADER = r"""[\\"']{0,6}\s{0,4}[:=]\s{0,4}[\\"']{0,6}(?P<value>Digest [^\n]{4,2000}|[^"'\n\\]{4,2000})"""
_OPTIONS = "token|password|passwd|passphrase|pass|pwd|secret|api[-_]key|access[-_]key|auth[-_]key|secret[-_]key|credentials?|cookie"
_PASSWORD_WORDS = "pass ?word|passwd|passphrase|pass phrase|passcode|pwd"

SECRETS = (
    Masker(
        "private-key", ("-----begin",),
        r"(?s)-----BEGIN [A-Z0-9 ]{0,40}(?:PRIVATE KEY|CERTIFICATE)[A-Z ]{0,20}-----.*?(?:-----END [A-Z0-9 ]{0,60}-----|\Z)",
    ),
    Masker("token", ("authorization", "key", "token", "secret"), rf"(?i)(?<![A-Za-z])(?:{_HEADERS})" + _HEADER, None, everywhere=True),
    Masker("cookie", ("cookie",), r"(?i)\b(?:set-)?cookie" + _HEADER),
    Masker(
        "cookie", ("sess", "xsrf", "csrf", "connect.sid"),
        r"(?i)(?:sess(?:ion)?[_-]?id|_xsrf(?:[_-]token)?|xsrf-token|csrf[_-]?token|connect\.sid)"
        r"""[\\"']{0,6}\s{0,4}[:=]\s{0,4}[\\"']{0,6}(?P<value>[^\s"'\\;,&<>]{6,400})""",
    ),
    Masker(
        "token", ("bearer", "basic", "negotiate"),
        r"(?i)\b(?:bearer|basic|negotiate)\s{1,4}(?P<value>[A-Za-z0-9._~+/=-]{8,2000})", _bearer, everywhere=True,
    ),
    Masker("token", (), rf"(?<![A-Za-z0-9_])(?:{_SHAPES})", None, everywhere=True),
    Masker(
        "token", ("=",),
        r"(?i)[?&#](?:[a-z0-9_-]{0,30}(?:token|key|secret|signature|credential|password|passwd|auth|session|ticket|policy|jwt)|sig|code|state"
        r"|sid|pwd|pass)="
        r"(?P<value>[^\s&#\"'<>\\]{4,2000})", None, everywhere=True,
    ),
    Masker("token", ("$",), _HASHED, None, everywhere=True),
    Masker("token", ("-data",), r"(?i)\b[a-z]{2,20}-(?:key|certificate|authority)-data" + _HEADER, None, everywhere=True),
    Masker(
        "token", ("--",),
        rf"(?i)--(?P<option>(?:[a-z0-9]{{1,20}}[-_]){{0,3}}(?:{_OPTIONS}))(?:=|\s{{1,4}})['\"]?(?P<value>[^\s'\"\\-][^\s'\"\\]{{3,400}})",
        _option, everywhere=True,
    ),
    Masker(
        "credentials", ("curl", "wget", "http", "--user", "--proxy-user"),
        r"(?:\b(?:curl|wget|https?|xh)\b[^\n]{0,200}?\s(?:-u|-U|-a)"
        r"|--(?:proxy-)?user)[= ]{0,3}['\"]?(?P<value>[^\s:'\"\\]{1,80}:[^\s'\"\\]{1,200})", _login, everywhere=True,
    ),
    Masker(
        "token", ("docker", "podman", "sshpass", "mysql", "mongo", "az login", "nats", "ldap"),
        r"(?i)\b(?:(?:docker|podman|nerdctl|helm registry|az) login|sshpass|mysql(?:dump|admin)?|mariadb|mongo(?:sh|dump|restore)?|ldapsearch"
        r"|nats)"
        r"\b[^\n|]{0,120}?\s(?-i:-p|-w)\s{0,2}['\"]?(?P<value>[^\s'\"\\-][^\s'\"\\]{3,200})", None, everywhere=True,
    ),
    Masker("token", ("redis-cli",), r"\bredis-cli\b[^\n|]{0,120}?\s-a\s{1,2}['\"]?(?P<value>[^\s'\"\\]{4,200})", None, everywhere=True),
    Masker("token", ("pass:",), r"(?<![A-Za-z])pass:(?P<value>[^\s'\"\\]{4,200})", _told_password, everywhere=True),
    Masker(
        "token", ("login",),
        r"\b(?:wandb|huggingface-cli|hf auth|comet|kaggle|neptune)\s{1,2}login\s{1,4}(?!-)(?P<value>[A-Za-z0-9_-]{16,200})",
        None, everywhere=True,
    ),
    Masker(
        "token", ("setx",),
        r"(?i)\bsetx\s{1,4}\w{0,60}(?:key|token|secret|password|pass)\s{1,4}[\"']?(?P<value>[^\s\"'\\]{4,400})", None, everywhere=True,
    ),
    Masker(
        "token", ("login",), r"(?i)\blogin\s{1,4}\S{1,100}\s{1,8}password\s{1,4}(?P<value>[^\s\"'\\]{1,400})", None, everywhere=True,
    ),
    Masker(
        "token", ("pass", "pwd"),
        rf"(?i)(?<![A-Za-z_])(?:{_PASSWORD_WORDS})\s{{1,3}}(?:(?:is|was|reads|set to|changed to|=)(?::|\s)\s{{0,3}})"
        r"(?:[\\\"'`]{1,6}(?P<quoted>[^\s\"'`\\]{4,100})|(?P<value>[^\s\"'`\\]{4,100}))", _told_password, everywhere=True,
    ),
    Masker(
        "token", ("pass", "token", "key"),
        rf"(?i)(?<![A-Za-z_])(?:(?:{_PASSWORD_WORDS})|(?:api|access|secret|auth)[ -](?:token|key)|token|secret)(?:\s{{1,3}}(?:is|was|reads"
        rf"|=))?:?\s{{1,3}}"
        r"[\\\"'`]{0,6}(?P<value>[^\s\"'`\\,;()]{6,200})", _told_token, everywhere=True,
    ),
    Masker(
        "token", (),
        rf"""(?i)(?P<word>{_SECRET_WORDS})["'\]\\]{{0,8}}[ \t]{{0,4}}(?:=>|==|=|:|{_also_escaped(_WIDE_COLON)})[ \t]{{0,4}}"""
        rf"""(?:[bru]{{1,2}}(?=["']))?{_VALUE}""", _assigned_secret, everywhere=True,
    ),
    Masker("token", (), r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{40,4000}={0,2}(?![A-Za-z0-9+/])", _random_word, everywhere=True),
    Masker("token", (), r"(?<![A-Za-z0-9])[A-Za-z0-9]{20,200}(?![A-Za-z0-9])", _random_word, everywhere=True),
    Masker(
        "licence", ("-",),
        r"(?<![\w-])(?=[A-Z0-9-]{0,40}\d)(?=[0-9-]{0,40}[A-Z])[A-Z0-9]{5}(?:-[A-Z0-9]{5}){3,5}(?![\w-])", None, everywhere=True,
    ),
    Masker(
        "licence", ("licen", "key", "serial"),
        r"(?i:licen[cs]e|key|serial(?: number)?)[\\\"']{0,6}\s{0,4}[=:]?\s{0,4}[\\\"']{0,6}(?P<value>(?=[A-Z-]{0,40}\d)[A-Z0-9]{4,6}"
            r"(?:-[A-Z0-9]{4,6}){2,7})(?![\w-])", None, everywhere=True,
    ),
    Masker(
        "licence", ("licen", "product", "activation"),
        r"(?i)\b(?:licen[cs]e|product|activation)[ _-]{0,2}(?:key|code|number|serial|id)[\\\"']{0,6}\s{0,20}(?:[=:]|is)?\s{0,20}[\\\"']{0,6}"
        r"(?P<value>[A-Za-z0-9][A-Za-z0-9-]{7,100})(?![\w-])", _told_token, everywhere=True,
    ),
)  # fmt: skip
"""Masked in every output. In this order: what is longer, and says more clearly what it is, before what is shorter."""


def names_a_secret(name: str) -> bool:
    """Whether a variable of this name holds something secret: `HF_TOKEN`, `AWS_SECRET_ACCESS_KEY`, `PIP_PASSWORD`, `DB_PASS`."""
    return _NAMES_A_SECRET.search(name) is not None or "SECRET" in name.upper()


_NAMES_A_SECRET = re.compile(
    r"(?i)(?:token|secrets?|passw(?:or)?ds?|passphrase|passcode|credentials?|(?:^|_)keys?|apikey|_pass|_pw|_pwd|_pat|_dsn|_cookie|webhook(?:_url)?"
    r"|connection_string)$"
)
