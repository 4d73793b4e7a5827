"""Write data/releases.json: every final release of the matrix's packages, with the Pythons it runs on.

    python tools/refresh_releases.py

Asks the package index pip-like tools use by default, through pypi-simple. Maintainers run it before a release; doctor never does.
"""

from __future__ import annotations

import json
from pathlib import Path

from packaging.version import InvalidVersion, Version
from pypi_simple import PyPISimple

from doctor.knowledge.matrix_file import builtin_file, read_matrix

OUTPUT = Path(__file__).resolve().parent.parent / "data" / "releases.json"


def final_releases(client: PyPISimple, package: str) -> dict[str, str | None]:
    """Requires-Python by version, oldest first; None for a yanked release."""
    releases: dict[Version, str | None] = {}
    for file in client.get_project_page(package).packages:
        try:
            version = Version(file.version or "")
        except InvalidVersion:
            continue
        if not version.is_prerelease:
            releases[version] = None if file.is_yanked else file.requires_python or ""
    return {str(version): releases[version] for version in sorted(releases)}


def main() -> None:
    """Refresh the list for every package the matrix has advisories about."""
    packages = [name for name, coverage in read_matrix(builtin_file()).packages.items() if coverage.checked_up_to is not None]
    with PyPISimple() as client:
        lists = {package: final_releases(client, package) for package in sorted(packages)}
    OUTPUT.write_text(json.dumps({"packages": lists}, indent=1) + "\n", encoding="utf-8")
    for package, releases in lists.items():
        print(f"{package}: {len(releases)} releases, newest {list(releases)[-1]}")


if __name__ == "__main__":
    main()
