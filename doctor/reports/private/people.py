"""Users, by where their names stand: in paths, prompts, variables and sentences. And e-mail addresses."""

from __future__ import annotations

import re

from doctor.reports.private.masker import EQUALS, Masker
from doctor.reports.private.public_names import SHARED_ACCOUNTS

_MEANT_FOR_EVERYBODY = frozenset({"git", "noreply", "you", "user", "username"})
_NOBODY_WORDS = """
a all an and any app are as at auth being by class count data default defaults defined dict false find for from group has having http in input is it
list message messages mode model name none not null of on or path process query role root self space str string supplied text that the their this to
true type with your content question answer hello hi
"""
_NOBODY = frozenset(_NOBODY_WORDS.split())
"""What follows `user` and is no name."""


def _email(match: re.Match[str], value: str) -> bool:
    """Code has `q@k.transpose(...)`, and a git remote `git@github.com:`."""
    local, _, domain = value.partition("@")
    ending = domain.rpartition(".")[2]
    called = match.string[match.end() : match.end() + 1] in "([" and match.end() < len(match.string)
    return local.lower() not in _MEANT_FOR_EVERYBODY and not called and (ending.islower() or ending.isupper()) and not domain.startswith("self.")


def other_user(_: re.Match[str], value: str) -> bool:
    """Whether a name that stands where a user's does is not one that many machines share."""
    plain = value.lower()
    return plain not in SHARED_ACCOUNTS and not re.fullmatch(r"[\W\d_]+|\$.*|%.*|\{.*|tmp", plain)


def _user_told(match: re.Match[str], value: str) -> bool:
    return value.lower() not in _NOBODY and other_user(match, value) and not value.endswith((".py", "."))


_FOLDER_WORDS = """
app apps bin build cache checkpoint checkpoints code common conda conf configs data dataset datasets dist envs etc hf home hub huggingface
include job jobs lib llama local logs main me models opt output outputs packages project projects public results runs scripts shared site-
packages software src sw temp test test-data tmp train user users usr var venv x
"""
_FOLDERS = frozenset(_FOLDER_WORDS.split())


def _owner_of_folder(match: re.Match[str], value: str) -> bool:
    """What lies right under a shared disk is a user's or a project's, unless it says what it holds."""
    return other_user(match, value) and value.lower() not in _FOLDERS and not re.search(r"\.\w{1,5}$", value)


_PART = r"[^/\\\s\"'<>:,;()\[\]|`\ufffd]"
_SPACED = rf"{_PART}{{1,64}}(?:(?:\\{{0,4}} ){_PART}{{1,40}}){{0,3}}(?=[\\/])"
"""A name of several words, before what goes on as a path."""
_QUOTED = rf"{_PART}{{1,64}}(?: [A-Z]{_PART}{{0,40}}){{1,3}}(?=[\"'])"
_IN_PATH = rf"(?P<name>{_SPACED}|{_QUOTED}|{_PART}{{1,64}})"
_BEFORE_PATH = r"(?:(?<![\w.~>/-])|(?<=file://)|(?<=-[ILR]))"
_WINDOWS = r"[^\\/:*?\"<>|\n\ufffd]"
_LOGIN = r"[A-Za-z_][\w.-]{0,40}"

PEOPLE = (
    Masker(
        "user", ("/home", "/users", "/homes"),
        rf"{_BEFORE_PATH}(?:/[A-Za-z0-9._-]{{1,40}}){{0,3}}/(?:home\d{{0,2}}|homes|Users|users|usr/users)/(?:[a-z]/)?{_IN_PATH}",
        other_user, everywhere=True,
    ),
    Masker(
        "user", ("/",),
        rf"{_BEFORE_PATH}(?:/[A-Za-z0-9._-]{{1,40}}){{0,2}}/(?:[gl]?scratch\d?|netscratch|ptmp|nobackup|work|lustre\d?|gpfs|beegfs|weka|wekafs|fsx|projects?"
            r"|people|u|media|Volumes)/(?P<name>" + _PART + "{1,64})", _owner_of_folder, everywhere=True,
    ),
    Masker(
        "user", ("users", "documents and"),
        rf"[A-Za-z]:[\\/]{{1,8}}(?:[Uu]sers|Documents and Settings)[\\/]{{1,8}}(?P<name>{_WINDOWS}{{1,64}}(?=[\\/])"
            rf"|{_WINDOWS}{{1,64}}(?=[\"'\n]|$)"
            rf"|[^\\/:*?\"<>|\s\ufffd]{{1,64}})", other_user, everywhere=True,
    ),
    Masker("user", ("users",), rf"(?<![\w.])/[a-z]/[Uu]sers/{_IN_PATH}", other_user, everywhere=True),
    Masker("user", ("$/",), rf"(?i)/(?:homes?|users|profiles)\$/(?P<name>{_PART}{{1,64}})", other_user, everywhere=True),
    Masker(
        "user", ("\\home", "\\users", "\\profiles"),
        rf"(?i)\\(?:homes?|users|profiles)\$?\\{{1,8}}(?P<name>{_WINDOWS}{{1,64}})(?=\\)", other_user, everywhere=True,
    ),
    Masker(
        "user", ("torchinductor_", "pytest-of-", "~"),
        rf"(?:torchinductor_|pytest-of-|(?<![\w/.~)\]}}])~)(?P<name>{_LOGIN})(?=[/\s\"']|$)", other_user, everywhere=True,
    ),
    # Prompts and who is who
    Masker(
        "user", ("@",),
        rf"(?<![\w.@/:%+-])(?P<name>{_LOGIN})@[A-Za-z0-9][\w.-]{{0,80}}(?=:[~/]|[ \t][^\n]{{0,80}}?[$%#>](?:\s|$)|[$%#>](?:\s|$)|'s password)",
        other_user, everywhere=True,
    ),
    Masker(
        "user", ("ssh", "scp", "rsync", "sftp"),
        rf"\b(?:ssh|scp|rsync|sftp|mosh)\b[^\n@]{{0,120}}?\s(?P<name>{_LOGIN})@", other_user, everywhere=True,
    ),
    Masker("user", ("$ ",), r"(?m)(?<=[\s\w/~])[ ](?P<name>[a-z_][a-z0-9_.-]{1,31})\$[ ](?=[a-z./])", other_user),
    Masker(
        "user", ("uid=", "gid=", "userid=", "groupid="),
        rf"(?:(?:uid|gid)=\d{{1,10}}\((?=\w[\w.-]{{0,40}}\))|(?:UserId|GroupId)=(?=\w[\w.-]{{0,40}}\(\d))(?P<name>{_LOGIN})",
        other_user, everywhere=True,
    ),
    Masker(
        "user", ("rw",),
        r"(?<![\w.-])[dl-][rwxsStT-]{9}[.+@]?\s{1,6}\d{1,5}\s{1,6}(?P<name>[A-Za-z][\w.-]{0,40})(?=\s)", other_user, everywhere=True,
    ),
    Masker(
        "user", ("squeue", "sacct", "scancel", "sprio", "sshare", "htop"),
        rf"\b(?:squeue|sacct|scancel|sprio|sshare|htop) (?:-u|-U|--user)[ =](?P<name>{_LOGIN})", other_user, everywhere=True,
    ),
    Masker("user", ("user ",), rf"(?i)\buser (?P<name>{_LOGIN}) \((?:uid|id)\b", other_user, everywhere=True),
    Masker("user", ("whoami",), rf"\bwhoami\s{{0,3}}\n\s{{0,8}}(?P<name>{_LOGIN})(?=[\s\"'\\,]|$)", other_user, everywhere=True),
    Masker(
        "user", ("/scratch/", "-shared/", "/cdirs/", "/nobackup/"),
        rf"/(?:scratch|(?:proj|world)-shared|cdirs|nobackup)/(?P<name>{_PART}{{1,64}})", _owner_of_folder, everywhere=True,
    ),
    Masker("user", ("s-1-5-21",), r"S-1-5-21-[\w-]{3,60}"),
    Masker(
        "user", ("user", "logname"),
        rf"(?<![A-Za-z])(?:(?:[A-Z]{{2,12}}_){{0,3}}(?:USER|USERNAME|USER_NAME|OWNER)|LOGNAME){EQUALS}(?P<name>{_LOGIN})(?![\w(])",
        other_user, everywhere=True,
    ),
    Masker(
        "user", ("user", "login", "logged", "owner", "whoami"),
        rf"(?i)\b(?:user(?:[ ._-]?(?:name|id))?|uid|login|logged in|log in|owner|whoami)(?:{EQUALS}"
            rf"|\s{{1,3}}as:?\s{{1,3}}[\\\"'`]{{0,6}})(?P<name>{_LOGIN})"
            r"(?=[\\\"'`]{0,6}[ \t\r]{0,4}(?:[;,.)}\]\n(<\ufffd]|&|$|\s(?:to|on|from|at|with)\b))(?!\()", _user_told, everywhere=True,
    ),
    Masker(
        "user", ("user",),
        rf"(?i)\b(?:user|account)\s{{1,2}}[\\\"'`]{{1,6}}(?P<name>{_LOGIN})[\\\"'`]", _user_told, everywhere=True,
    ),
    Masker(
        "user", ("submitted by", "by user", "sudo", "su -", "for user", "run as"),
        rf"(?i)\b(?:submitted by|by user|for user|run as user|sudo -u|su -)\s{{1,3}}[\\\"'`]{{0,6}}(?P<name>{_LOGIN})",
        _user_told, everywhere=True,
    ),
    Masker(
        "user", ("author", "committer", "-by", "from:"),
        r"(?:Author|Committer|From|[A-Z][a-z]{1,12}(?:-[a-z]{2,12})?-by):\s{1,8}(?P<name>[^\W\d_][^<>\n\\\"]{2,60}?)\s{1,3}<", None, everywhere=True,
    ),
    Masker("user", ("user.name",), r"user\.name[ =]{1,3}[\\\"']{0,6}(?P<name>[^\W\d_][^<>\n\\\"']{2,60})", None, everywhere=True),
    Masker("user", ("cn=", "uid="), r"(?i)\b(?:CN|UID)=(?P<name>[^,=\n\"'\\]{2,60})(?=,\s?(?:OU|DC|O|CN)=)", None, everywhere=True),
    Masker(
        "user", ("user", "account", "logged in", "login", "owner"),
        r"(?i:\b(?:user|account|logged in as|login|owner))\W{1,6}(?P<name>[A-Z][A-Z0-9-]{1,15}\\{1,4}[A-Za-z][\w.-]{1,40})",
        None, everywhere=True,
    ),
    Masker(
        "email", ("@",), r"(?<![\w.%+@-])[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,6}[A-Za-z]{2,24}(?![\w@])",
        _email, everywhere=True,
    ),
)  # fmt: skip
