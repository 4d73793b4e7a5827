"""What a load report shows, as lines that patterns are searched in like any other of the text."""

from __future__ import annotations

from collections.abc import Iterator

from doctor.facts.loading import LoadReport


def told_by(report: LoadReport) -> Iterator[str]:
    """`load report shows: only-a-head`; and the prefix, where names differ by one."""
    yield from (f"load report shows: {shows}" for shows in report.shows)
    if report.prefix is not None:
        yield f"load report shows: the prefix {report.prefix}"
