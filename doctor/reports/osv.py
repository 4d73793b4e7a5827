"""The matrix as OSV records (https://ossf.github.io/osv-schema/), for tools that read those.

OSV knows packages, versions and ranges, and neither conditions nor what a program must do: an advisory of ours that holds only
beside another package, or only for who uses it, says so in `details` and, for machines, in `database_specific`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from doctor.errors import DoctorError
from doctor.knowledge.matrix import Advisory, Affected, AffectedRange, Matrix
from doctor.knowledge.releases import Releases
from doctor.version import __version__

_OSV_SCHEMA = "1.7.5"
_PREFIX = "x_"
"""What the schema demands before an id that is of no database registered with it."""


def osv_records(matrix: Matrix, releases: Releases) -> list[dict[str, Any]]:
    """A record for each advisory, in the matrix's order. Raises `DoctorError` when the matrix's version is no date, which OSV demands."""
    modified = _day(matrix.version)
    return [_record(each, modified, matrix, releases) for each in matrix.advisories]


def _day(version: str) -> str:
    try:
        day = datetime.strptime(version, "%Y.%m.%d")
    except ValueError:
        raise DoctorError(f"the matrix's version is {version!r} and no date such as 2026.11.25: OSV records say when they were modified") from None
    return f"{day:%Y-%m-%dT00:00:00Z}"


def _record(advisory: Advisory, modified: str, matrix: Matrix, releases: Releases) -> dict[str, Any]:
    return {
        "schema_version": _OSV_SCHEMA,
        "id": _PREFIX + advisory.id,
        "modified": modified,
        "summary": advisory.title,
        "details": _details(advisory),
        "affected": [_affected(each, releases) for each in advisory.affected],
        "references": [{"type": _kind(each), "url": each} for each in advisory.references],
        "related": [_PREFIX + each for each in advisory.related],
        "database_specific": {
            "slug": advisory.slug,
            "kind": advisory.kind,
            "severity": advisory.severity,
            "evidence": advisory.evidence.level,
            "apis": list(advisory.apis),
            "when": advisory.when,
            "uses": advisory.uses,
            "matrix_version": matrix.version,
            "doctor_version": __version__,
        },
    }


def _details(advisory: Advisory) -> str:
    parts = {
        "Bites": advisory.trigger,
        "Cause": advisory.cause,
        "Without an upgrade": advisory.workaround,
        "Do not": advisory.avoid,
        "Evidence": advisory.evidence.basis,
    }
    return "\n\n".join(f"**{name}:** {text}" for name, text in parts.items() if text is not None)


def _affected(affected: Affected, releases: Releases) -> dict[str, Any]:
    return {
        "package": {"ecosystem": "PyPI", "name": affected.package, "purl": f"pkg:pypi/{affected.package}"},
        "ranges": [{"type": "ECOSYSTEM", "events": _events(each)} for each in affected.ranges],
        "versions": [str(each.version) for each in releases.get(affected.package, ()) if any(each.version in between for between in affected.ranges)],
    }


def _events(affected: AffectedRange) -> list[dict[str, str]]:
    introduced = {"introduced": str(affected.introduced) if affected.introduced is not None else "0"}
    return [introduced, {"fixed": str(affected.fixed)}] if affected.fixed is not None else [introduced]


def _kind(url: str) -> str:
    return "REPORT" if "/issues/" in url or "/discussions/" in url else "WEB"
