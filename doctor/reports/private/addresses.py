"""Addresses with a scheme, and whether what they point at is somebody's own."""

from __future__ import annotations

import re

from doctor.reports.private.public_names import is_public_host

URL = re.compile(
    r"(?i)(?<![a-z0-9])(?P<scheme>[a-z][a-z0-9+.-]{1,24})://(?P<user>[^/\s\"'<>]{1,400}@)?"
    r"(?P<host>\[[0-9a-f:.]{2,45}\]|[^/\s\"'<>:?#@()\[\]{},;`\\\ufffd]{1,255})(?P<port>:\d{1,5})?(?P<rest>[^\s\"'<>`)\\\ufffd]{0,2000})"
)
_STORES_WORDS = """
s3 s3a s3n gs gcs abfs abfss wasb wasbs az adl r2 oss obs cos cosn hdfs webhdfs swift nfs smb cifs lakefs dbfs minio b2 ks3 tos bos
"""
_STORES = frozenset(_STORES_WORDS.split())
_NO_HOSTS_WORDS = """
file hf models runs mlflow-artifacts wandb-artifact data unix sqlite http+unix containerd docker
"""
_NO_HOSTS = frozenset(_NO_HOSTS_WORDS.split())
"""Kinds of address after which no host stands: their paths are judged as paths."""


def kind_of_private_address(scheme: str, host: str) -> str | None:
    """`bucket` or `host` when what an address points at is somebody's own; None when it is everybody's, or when no host is named."""
    if scheme.lower() in _STORES:
        return "bucket"
    return None if scheme.lower() in _NO_HOSTS or is_public_host(host) else "host"
