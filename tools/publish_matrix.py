"""Write the matrix as it is published, for `doctor matrix update`: FOLDER/compat.yaml, and its checksum beside it.

    python -m tools.publish_matrix FOLDER

What is published holds the releases of data/releases.json as well: a doctor that is older than it would not know of those it recommends.
Both files go to the same place; say the checksum in another (a signed tag, release notes), or it protects against accidents alone. The
version is a date, and a matrix of the same day is no newer: what changes on one day is published on the next.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from pathlib import Path

from doctor.facts.frozen import replace
from doctor.knowledge.matrix_file import builtin_file, parse_matrix

_COVERAGE = re.compile(r"^  ([a-z0-9-]+): \{(checked_up_to: \"[^\"]+\")\}$", re.MULTILINE)


def published(yaml: str, releases: dict[str, dict[str, str | None]]) -> str:
    """The YAML of a matrix, with its packages' releases put in. Raises ValueError where they do not all find their place."""

    def covered(found: re.Match[str]) -> str:
        return f"  {found[1]}: {{{found[2]}, releases: {json.dumps(releases[found[1]])}}}"

    text = _COVERAGE.sub(covered, yaml)
    before, after = parse_matrix(yaml.encode(), "compat.yaml"), parse_matrix(text.encode(), "published compat.yaml")
    lacking = [name for name, each in after.packages.items() if each.checked_up_to is not None and not each.releases]
    if lacking or replace(after, packages=before.packages) != before:
        raise ValueError(f"the releases of {', '.join(lacking) or 'its packages'} cannot be put into the matrix: see how `packages` is written there")
    return text


def write(folder: Path) -> tuple[Path, Path]:
    """Both files; the checksum last, so that whoever finds it finds what it is of."""
    source = builtin_file()
    releases = json.loads((source.parent / "releases.json").read_text("utf-8"))["packages"]
    content = published(source.read_text("utf-8"), releases).encode("utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    matrix = folder / "compat.yaml"
    checksum = folder / "compat.yaml.sha256"
    checksum.unlink(missing_ok=True)
    matrix.write_bytes(content)
    checksum.write_text(f"{hashlib.sha256(content).hexdigest()}  {matrix.name}\n", encoding="ascii")
    return matrix, checksum


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for each in write(Path(sys.argv[1])):
        print(each)
