"""What belongs to an account with a service: addresses, buckets, cloud projects, experiment trackers, images."""

from __future__ import annotations

import re

from doctor.reports.private.masker import EQUALS, Masker
from doctor.reports.private.public_names import PUBLIC_ORGANISATIONS

_PLAIN = r"[A-Za-z0-9][A-Za-z0-9._-]{1,100}"
_NOTHING_WORDS = """
none null true false default str int bool unset all any disabled enabled online offline dryrun project name auto
"""
_NOTHING = frozenset(_NOTHING_WORDS.split())


def _named(_: re.Match[str], value: str) -> bool:
    return value.lower() not in _NOTHING and (any(each.isalpha() for each in value) or len(value) >= len("123456789012"))


def _hyphenated(match: re.Match[str], value: str) -> bool:
    return ("-" in value or "_" in value) and _named(match, value)


_TRACKERS = re.compile(r"(?i)(?<![A-Za-z])(?:wandb|comet(?:_ml)?|neptune|clearml|mlflow|trackio|swanlab|dagshub|Task\.init|aim)(?![A-Za-z])")


def _of_tracker(match: re.Match[str], value: str) -> bool:
    return _named(match, value) and _TRACKERS.search(match.string, max(match.start() - 200, 0), match.start()) is not None


def _public_image(_: re.Match[str], value: str) -> bool:
    return value.split("/", maxsplit=1)[0].lower() not in PUBLIC_ORGANISATIONS


_ACCOUNT_NAMES = (
    "PROJECT|PROJECT_ID|PROJECT_NAME|ENTITY|WORKSPACE|WORKSPACE_NAME|WORKSPACE_ID|ACCOUNT|ACCOUNT_ID|ACCOUNT_NAME|TENANT|TENANT_ID|SUBSCRIPTION"
    "|SUBSCRIPTION_ID|NAMESPACE|ORG|ORGANIZATION|ORG_ID|EXPERIMENT_NAME|EXPERIMENT|RUN_NAME|RESOURCE_GROUP|TEAM|CLUSTER_NAME|DOMAIN|POD_NAME|CONTAINER_ID"
)

SERVICES = (
    Masker("arn", ("arn:",), r"\barn:aws[a-z-]{0,10}:[a-z0-9-]{2,30}:[a-z0-9-]{0,20}:\d{0,12}:[^\s\"'<>,;)\]}\\\ufffd]{1,300}"),
    Masker(
        "account", ("account", "sagemaker-"),
        r"(?i)(?:\baccount(?:[ _-]?(?:id|number))?\W{1,6}|\bsagemaker-[a-z0-9-]{1,20}-)(?P<name>\d{12}|\d{4}-\d{4}-\d{4})(?!\d)",
        None, everywhere=True,
    ),
    Masker(
        "account", ("=", ":"),
        rf"(?<![A-Za-z])(?:[A-Z][A-Z0-9]{{1,20}}_){{1,4}}(?:{_ACCOUNT_NAMES}){EQUALS}(?P<name>[A-Za-z0-9][\w.@-]{{1,100}}(?:/[\w.-]{{1,100}})?)",
        _named, everywhere=True,
    ),
    Masker("account", ("domain",), rf"\b(?:USERDOMAIN|USERDNSDOMAIN){EQUALS}(?P<name>{_PLAIN})", _named, everywhere=True),
    Masker(
        "account", ("--account", "-a ", "--project", "--namespace", "--entity", "--wandb", "--workspace", "--resource-group",
            "--subscription", "--comet", "--mlflow", "--team"),
        r"(?:(?:sbatch|srun|salloc|#SBATCH)[^\n]{0,120}?\s(?:-A|--account)|--(?:project|project[_-]id|account|namespace|entity|workspace"
            r"|resource-group|subscription"
            rf"|(?:wandb|comet|mlflow|neptune)[_-][a-z]{{2,12}}(?:[_-]name)?|team))"
            r"(?:=|[ \t]{1,4}|\s{1,4}(?![\w.-]{1,100}[ \t]{0,3}[:=]))"  # the next line may begin with a name of its own
            rf"[\\\"']{{0,4}}(?P<name>{_PLAIN}(?:/{_PLAIN})?)",
            _named, everywhere=True,
    ),
    Masker(
        "account", ("projects/", "set project"),
        r"(?:\bprojects/|\bset project )(?P<name>[a-z][a-z0-9-]{3,40})(?=/(?:locations|zones|regions|global|secrets|topics|datasets|models"
            r"|serviceAccounts)|\s|$|[\"'\\])", _named, everywhere=True,
    ),
    Masker(
        "account", ("project_id", "resource_group", "resourcegroup", "tenant", "workspace_name", "account_name", "accountname"),
        rf"(?i)\b(?:project_id|resource_?group(?:_?name)?|tenant(?:_?id)?|workspace_name|account_?name){EQUALS}(?P<name>{_PLAIN})",
        _named, everywhere=True,
    ),
    Masker("account", ("/subscriptions/", "/resourcegroups/"), r"(?i)/(?:subscriptions|resourceGroups)/(?P<name>[^\s\"'<>\\,;)]{3,400})"),
    Masker("account", (".iam.gserviceaccount",), r"@(?P<name>[a-z][a-z0-9-]{3,40})\.iam\.gserviceaccount", None, everywhere=True),
    Masker(
        "image", ("gcr.io/", "pkg.dev/", "ghcr.io/", "quay.io/", "azurecr.io", "public.ecr.aws/"),
        r"(?:(?<=gcr\.io/)|(?<=pkg\.dev/)|(?<=ghcr\.io/)|(?<=quay\.io/)|(?<=public\.ecr\.aws/))(?P<path>[A-Za-z0-9][\w./:@-]{1,200})",
        _public_image, everywhere=True,
    ),
    Masker("image", (".azurecr.io",), r"(?<![\w.-])[a-z0-9-]{2,60}\.azurecr\.io[\w./:@-]{0,200}", None, everywhere=True),
    Masker(
        "bucket", ("bucket",),
        rf"(?i)(?:_bucket|\bbucket)(?:[_ -]?name)?(?:{EQUALS}|\s{{1,3}}[\\\"'`]{{1,6}})(?P<name>[a-z0-9][a-z0-9.-]{{2,62}})(?![\w-])",
        _named, everywhere=True,
    ),
    Masker("bucket", ("dbfs:/",), r"dbfs:/(?:mnt|FileStore|Volumes)/(?P<name>[^/\s\"'\\,;)]{2,100})", None, everywhere=True),
    Masker("account", ("onedrive - ",), r"OneDrive - (?P<name>[^\\/\n\"]{2,60})(?=[\\/])", None, everywhere=True),
    Masker("account", ("orgs:",), r"\borgs:\s{1,8}(?P<name>[\w,-]{2,100})", _named, everywhere=True),
    Masker("account", ("account=",), rf"(?<![A-Za-z])Account=(?P<name>{_PLAIN})", _named, everywhere=True),
    # Experiment trackers
    Masker("account", ("logged in as",), r"(?i)logged in as:? {1,3}\S{1,80} \((?P<name>[^)\n\\]{2,80})\)", None, everywhere=True),
    Masker("account", ("syncing run", "resuming run"), r"(?:Syncing|Resuming) run (?P<name>[\w-]{3,100})", None, everywhere=True),
    Masker("account", ("entity",), rf"(?i)\bentity(?:{EQUALS}|\s{{1,2}}[\\\"'`]{{0,6}})(?P<name>{_PLAIN})", _hyphenated, everywhere=True),
    Masker(
        "account", ("wandb", "comet", "neptune", "clearml", "mlflow", "trackio", "swanlab", "dagshub", "task.init", "aim"),
        rf"(?:\b|_)(?:project|project_name|entity|workspace|experiment|experiment_name|group|run_name|name|team|org"
            rf"|set_experiment\([\\\"']{{1,4}}|create_experiment\([\\\"']{{1,4}})"
            rf"(?:{EQUALS}|(?<=[\"']))(?P<name>{_PLAIN}(?:/{_PLAIN})?)", _of_tracker, everywhere=True,
    ),
    Masker("model", ("models:/",), rf"models:/(?P<name>{_PLAIN})", None, everywhere=True),
)  # fmt: skip
