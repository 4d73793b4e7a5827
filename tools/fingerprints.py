"""Bring data/fingerprints/ up to date: an index for each distribution of where every function stands in every release.

    python -m tools.fingerprints                                          # what the package index has and the indexes lack
    python -m tools.fingerprints torch transformers --sources ~/sources   # only these, keeping the source files for --self-test
    python -m tools.fingerprints --self-test --sources ~/sources          # frames from every release's own files, dated

Asks the package index pip-like tools use by default, and reads single files out of wheels by HTTP range requests. What was read
when it is interrupted is kept: start it again to go on. To cover another file, add it to `tools/fingerprint_files.py` and run with
`--afresh`.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import itertools
import random
import re
import sys
import tarfile
import threading
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import requests
from packaging.version import InvalidVersion, Version
from pypi_simple import DistributionPackage, PyPISimple
from remotezip import RemoteZip

from doctor.dating.fingerprints import FileState, index_folder, index_of
from doctor.dating.inference import date_frames
from doctor.facts.symptom import Frame
from tools.fingerprint_files import SELECTIONS
from tools.fingerprint_index import States, read_index, state_of, write_index

CONNECTIONS = 4
_FIRST_READ_BYTES = 256 * 1024
"""Of a wheel's end: holds the directory of all but the largest, so that one request finds it."""

Files = dict[str, bytes]


def final_releases(client: PyPISimple, distribution: str) -> dict[str, DistributionPackage]:
    """For each final release the file to read: the smallest wheel, whose Python files are those of all, or else the sdist."""
    since = Version(SELECTIONS[distribution].since)
    files: dict[Version, list[DistributionPackage]] = {}
    for file in client.get_project_page(distribution).packages:
        try:
            version = Version(file.version or "")
        except InvalidVersion:
            continue
        if not version.is_prerelease and version >= since and file.package_type in ("wheel", "sdist"):
            files.setdefault(version, []).append(file)
    return {
        str(version): min(files[version], key=lambda file: (file.package_type != "wheel", file.size or 0, file.filename)) for version in sorted(files)
    }


_thread = threading.local()


def fetched(file: DistributionPackage, wanted: re.Pattern[str]) -> Files:
    """The wanted files of a release: one request each, from a wheel; an sdist is read whole. Raises `requests.RequestException`, `OSError`."""
    if not hasattr(_thread, "session"):
        _thread.session = requests.Session()
    if file.package_type == "wheel":
        with RemoteZip(file.url, session=_thread.session, initial_buffer_size=_FIRST_READ_BYTES) as wheel:
            members = sorted((each for each in wheel.infolist() if wanted.fullmatch(each.filename)), key=lambda each: each.header_offset)
            return {member.filename: wheel.read(member) for member in members}
    answer = _thread.session.get(file.url, timeout=300)
    answer.raise_for_status()
    inside = ((name.partition("/")[2].removeprefix("src/"), content) for name, content in _archived(answer.content, file.filename))
    return {name: content for name, content in inside if wanted.fullmatch(name)}


def _archived(content: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    if name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(content)) as sdist:
            yield from ((each, sdist.read(each)) for each in sdist.namelist())
        return
    with tarfile.open(fileobj=io.BytesIO(content)) as sdist:
        for member in sdist:
            if member.name.endswith(".py") and (file := sdist.extractfile(member)) is not None:
                yield member.name, file.read()


def kept(folder: Path | None, distribution: str, version: str, file: DistributionPackage) -> Files:
    """The selected files of a release: out of the folder when it has them, else fetched, and put there. None: no such folder."""
    wanted = SELECTIONS[distribution].pattern()
    store = folder / distribution / f"{version}.zip" if folder is not None else None
    if store is not None and store.exists():
        with zipfile.ZipFile(store) as archive:
            return {name: archive.read(name) for name in archive.namelist() if wanted.fullmatch(name)}
    files = fetched(file, wanted)
    if store is not None:
        store.parent.mkdir(parents=True, exist_ok=True)
        partial = store.with_suffix(".partial")
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        partial.replace(store)
    return files


class Reading:
    """Reads releases into fingerprints; what two releases share is read once."""

    def __init__(self) -> None:
        self._states: dict[bytes, FileState] = {}

    def states(self, files: Files) -> States:
        """The fingerprint of every file."""
        digests = {path: hashlib.sha256(content).digest() for path, content in files.items()}
        for path, digest in digests.items():
            if digest not in self._states:
                self._states[digest] = state_of(files[path])
        return {path: self._states[digest] for path, digest in digests.items()}


def update(client: PyPISimple, distribution: str, sources: Path | None, *, afresh: bool) -> int:
    """Add to a distribution's index the releases it lacks; those read when this is interrupted are added all the same.

    Returns how many could not be read.
    """
    output = index_folder() / f"{distribution}.zip"
    releases = {} if afresh else read_index(output)
    missing = {version: file for version, file in final_releases(client, distribution).items() if version not in releases}
    print(f"{distribution}: {len(releases)} releases, {len(missing)} to read", flush=True)
    reading, failed = Reading(), 0
    pool = ThreadPoolExecutor(CONNECTIONS)
    try:
        pending = {pool.submit(kept, sources, distribution, version, file): version for version, file in missing.items()}
        for count, future in enumerate(as_completed(pending), 1):
            version = pending.pop(future)
            try:
                releases[version] = reading.states(future.result())
            except (requests.RequestException, OSError, zipfile.BadZipFile, tarfile.TarError, SyntaxError, UnicodeDecodeError) as error:
                failed += 1
                print(f"{distribution} {version}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            if count % 10 == 0:
                print(f"{distribution}: {count} of {len(missing)}", flush=True)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        if missing and releases:
            write_index(output, releases)
    again = f", {failed} failed: run again" if failed else ""
    print(f"{distribution}: {len(releases)} releases, {output.stat().st_size / 1024:.0f} KiB{again}", flush=True)
    return failed


def self_test(distribution: str, sources: Path | None, client: PyPISimple, rounds: int) -> Counter[tuple[int, int]]:
    """Date `rounds` tracebacks of 1 to 5 frames of every release, made from its own files with their text; how many candidates were left, by frames.

    Raises `SystemExit` for a release that is not among its own candidates.
    """
    index = index_of(distribution)
    files = final_releases(client, distribution)
    left: Counter[tuple[int, int]] = Counter()
    reading = Reading()
    for version in index.releases:
        contents = kept(sources, distribution, version, files[version])
        places = list(_frames_of(contents, reading.states(contents)))
        chosen = random.Random(f"{distribution} {version}")
        for _, count in itertools.product(range(rounds), range(1, 6)):
            if not places:
                continue  # later releases of langchain have none of the files
            frames = chosen.sample(places, min(count, len(places)))
            (dating,) = date_frames(frames)
            if version not in dating.candidates:
                raise SystemExit(f"{distribution} {version} is not among its own candidates: {dating.summary}: {frames}")
            left[count, len(dating.candidates)] += 1
    return left


def _frames_of(files: Files, states: States) -> Iterator[Frame]:
    """A frame at every third line of every function, docstrings included, but no blank line, bracket or comment."""
    for path, content in files.items():
        lines = content.decode("utf-8").split("\n")
        state = states[path]
        for start, end in zip(state.starts, state.ends, strict=True):
            for number in range(start, end + 1, 3):
                code = lines[number - 1].strip()
                if len(code) > 3 and not code.startswith("#") and (name := state.function_at(number)) is not None:
                    yield Frame(f"/usr/lib/python3/site-packages/{path}", number, name, code)


def print_distribution(left: Counter[tuple[int, int]]) -> None:
    """How many candidates remained, by the number of frames."""
    for frames in sorted({count for count, _ in left}):
        remaining = sorted(itertools.chain.from_iterable([candidates] * times for (count, candidates), times in left.items() if count == frames))
        exact, few = (sum(each <= limit for each in remaining) / len(remaining) for limit in (1, 3))
        median, ninth = remaining[len(remaining) // 2], remaining[len(remaining) * 9 // 10]
        figures = f"median {median}, 90th percentile {ninth}, most {remaining[-1]}; exact {exact:.0%}, 3 or fewer {few:.0%}"
        print(f"  {frames} frame{'s' if frames > 1 else ''}: {figures} of {len(remaining)}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Update the indexes, or test them."""
    parser = argparse.ArgumentParser(description="Bring data/fingerprints/ up to date.")
    parser.add_argument("distributions", nargs="*", metavar="DISTRIBUTION", help=f"of {', '.join(SELECTIONS)}; all when none is named")
    parser.add_argument("--sources", type=Path, metavar="FOLDER", help="keep source files here, and look here before fetching")
    parser.add_argument("--afresh", action="store_true", help="read all releases again, after the selection was changed")
    parser.add_argument("--self-test", type=int, nargs="?", const=10, metavar="ROUNDS", help="date frames of every release instead")
    options = parser.parse_args(arguments)
    unknown = set(options.distributions) - set(SELECTIONS)
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: not among {', '.join(SELECTIONS)}")
    total: Counter[tuple[int, int]] = Counter()
    failed = 0
    with PyPISimple() as client:
        for distribution in options.distributions or SELECTIONS:
            if options.self_test is None:
                failed += update(client, distribution, options.sources, afresh=options.afresh)
                continue
            left = self_test(distribution, options.sources, client, options.self_test)
            total += left
            print(f"{distribution}: every release is among its own candidates")
            print_distribution(left)
    if len(total):
        print("all")
        print_distribution(total)
    if failed:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
