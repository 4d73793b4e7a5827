"""Set `evidence.level` in data/compat.yaml: `run` or `controlled` for every advisory the runs prove, and for no other.

python tools/evidence_levels.py
"""

from __future__ import annotations

import re

from doctor.knowledge.evidence import contradictions, known_evidence, level_of, wrong_parts
from doctor.knowledge.matrix_file import builtin_file, read_matrix
from doctor.knowledge.releases import known_releases

_LEVEL = re.compile(r"^      level: (\w+)$", re.MULTILINE)


def main() -> None:
    """Rewrite the levels; print what the runs deny, which only a person can mend."""
    file = builtin_file()
    blocks = re.split(r"(?m)^(?=  - id: )", file.read_text("utf-8"))
    advisories = {advisory.id: advisory for advisory in read_matrix(file).advisories}
    for index, block in enumerate(blocks):
        found = re.match(r"  - id: (\w+)", block)
        if found is None:
            continue
        advisory = advisories[found[1]]
        level = level_of(advisory, known_evidence(), known_releases())
        blocks[index] = _LEVEL.sub(f"      level: {level}", block)
        for fault in (*contradictions(advisory, known_evidence()), *wrong_parts(advisory, known_evidence())):
            print(fault)
    file.write_text("".join(blocks), encoding="utf-8")
    print(f"{sum('level: run' in block for block in blocks)} of {len(advisories)} are proved by runs")


if __name__ == "__main__":
    main()
