"""What is installed, from the metadata on disk; every way in which that can be wrong is said."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from doctor.facts.environment import Distribution, Requirement
from doctor.probe.packages import Packages, examine_packages
from doctor.probe.records import unpublished
from tests.patients_support import Patient, agrees, all_patients, site_packages

LIB = ("lib",)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder on the module search path."""
    made = tmp_path / "site-packages"
    made.mkdir()
    return made


def install(site: Path, name: str, version: str, module: str | None = None, **files: str) -> Path:
    """Put a distribution into `site`; `module` is the text of its `__init__.py`. Gives its dist-info folder."""
    folder = site / f"{name}-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    for file, text in files.items():
        (folder / file.replace("_json", ".json")).write_text(text)
    if module is not None:
        (site / name).mkdir(exist_ok=True)
        (site / name / "__init__.py").write_text(module)
    return folder


def examine(*path: Path, names: tuple[str, ...] = LIB, python: str | None = "3.11.7", directory: Path = Path("/nowhere")) -> Packages:
    return examine_packages(path, names, directory, python)


def faults(packages: Packages) -> list[str]:
    return [fault.slug for fault in packages.faults]


def test_a_distribution_is_found_without_importing_anything(site: Path) -> None:
    install(site, "lib", "1.2", 'raise SystemExit("imported")', INSTALLER="pip\n")
    packages = examine(site)
    assert packages.installed == {"lib": Distribution("lib", "1.2", "metadata", installer="pip")}
    assert packages.faults == ()


def test_what_is_not_there_is_not_installed(site: Path) -> None:
    assert examine(site, site / "not-there", site / "also.zip") == Packages({}, (), ())


@pytest.mark.parametrize("name", ["Some_Lib", "some.lib", "SOME-LIB"])
def test_names_are_normalised(site: Path, name: str) -> None:
    install(site, name, "1.0")
    assert "some-lib" in examine(site, names=("some-lib",)).installed


@pytest.mark.parametrize(
    ("module", "metadata", "version", "source"),
    [
        ('__version__ = "1.0"', "1.0", "1.0", "metadata"),
        ('__version__: str = "1.0"', "1.0", "1.0", "metadata"),
        ("__version__='2.0'", "1.0", "2.0", "module"),
        ('__version__ = "1.0"', "1.0+cpu", "1.0+cpu", "metadata"),
        ('__version__ = "1"', "1.0.0", "1.0.0", "metadata"),
        ("__version__ = compute()", "1.0", "1.0", "metadata"),
        ('if True:\n    __version__ = "2.0"', "1.0", "1.0", "metadata"),
        ('"""__version__ = "2.0\n"""', "1.0", "1.0", "metadata"),
        ("\0\udcff", "1.0", "1.0", "metadata"),
    ],
)
def test_the_version_that_runs_is_the_modules(site: Path, module: str, metadata: str, version: str, source: str) -> None:
    install(site, "lib", metadata, "")
    (site / "lib" / "__init__.py").write_bytes(module.encode("utf-8", "surrogateescape"))
    packages = examine(site)
    assert (packages.installed["lib"].version, packages.installed["lib"].source) == (version, source)
    assert faults(packages) == (["version-mismatch"] if source == "module" else [])


def test_torch_says_its_version_in_a_file_of_its_own(site: Path) -> None:
    install(site, "torch", "2.13.0", "from .version import __version__")
    (site / "torch" / "version.py").write_text("__version__ = '2.6.0+cu124'\n")
    assert examine(site, names=("torch",)).installed["torch"].version == "2.6.0+cu124"


@pytest.mark.parametrize(
    ("direct_url", "origin", "revision", "fault"),
    [
        ({"url": "file:///src", "dir_info": {"editable": True}}, "editable", None, True),
        ({"url": "file:///src", "dir_info": {}}, "directory", None, True),
        ({"url": "https://host/x.whl", "archive_info": {}}, "archive", None, False),
        ({"url": "https://host/x", "vcs_info": {"vcs": "git", "commit_id": "0123456789abcdef"}}, "vcs", "0123456789abcdef", True),
        ({"url": "https://host/x", "vcs_info": {"vcs": "git", "commit_id": "rm -rf /"}}, "vcs", None, True),
        ({"vcs_info": [], "dir_info": 7}, "vcs", None, True),
        ({"dir_info": "editable"}, "directory", None, True),
        ([], "index", None, False),
        ("text", "index", None, False),
    ],
)
def test_where_it_was_installed_from_is_said(site: Path, direct_url: object, origin: str, revision: str | None, fault: bool) -> None:
    install(site, "lib", "1.0", '__version__ = "1.0"', direct_url_json=json.dumps(direct_url))
    packages = examine(site)
    assert (packages.installed["lib"].origin, packages.installed["lib"].revision) == (origin, revision)
    assert faults(packages) == (["not-a-release"] if fault else [])


@pytest.mark.parametrize("garbage", ["", "{", "[" * 20000, "\udcff", "9" * 5000])
def test_a_direct_url_that_makes_no_sense_is_as_good_as_none(site: Path, garbage: str) -> None:
    folder = install(site, "lib", "1.0", "")
    (folder / "direct_url.json").write_bytes(garbage.encode("utf-8", "surrogateescape"))
    assert examine(site).installed["lib"].origin == "index"


@pytest.mark.parametrize(
    ("content", "slug"),
    [
        (os.urandom(4096), "unreadable-metadata"),
        (b"", "unreadable-metadata"),
        (b"Name: lib\n", "unreadable-metadata"),
        (b"Name: lib\nVersion:\n", "unreadable-metadata"),
        (b"\n\nName: lib\nVersion: 1.0\n", "unreadable-metadata"),
        (None, "missing-metadata"),
    ],
)
def test_metadata_that_does_not_say_who_it_is_is_a_fault(site: Path, content: bytes | None, slug: str) -> None:
    metadata = install(site, "lib", "1.0", "") / "METADATA"
    metadata.unlink()
    if content is not None:
        metadata.write_bytes(content)
    packages = examine(site)
    assert faults(packages) == [slug]
    assert (packages.installed["lib"].version, packages.installed["lib"].source) == ("1.0", "folder-name")


def test_metadata_that_is_a_folder_is_a_fault(site: Path) -> None:
    folder = install(site, "lib", "1.0", "")
    (folder / "METADATA").unlink()
    (folder / "METADATA").mkdir()
    assert faults(examine(site)) == ["unreadable-metadata"]


def test_metadata_made_to_waste_time_does_not(site: Path) -> None:
    spaces = " " * 200_000
    (install(site, "lib", "1.0", "") / "METADATA").write_text(f"Name: lib{spaces}x\nVersion: 1.0\nName: lib\nRequires-Dist: lib{spaces};\n")
    started = time.monotonic()
    examine(site)
    assert time.monotonic() - started < 2


def test_windows_line_ends_are_read(site: Path) -> None:
    (install(site, "lib", "1.0", "") / "METADATA").write_bytes(b"Metadata-Version: 2.1\r\nName: lib\r\nVersion: 1.1\r\n\r\nVersion: 3\r\n")
    assert examine(site).installed["lib"].version == "1.1"


class TestOldFormats:
    """egg-info, as setuptools and distutils wrote it, and as conda and Debian still ship it."""

    def test_a_folder(self, site: Path) -> None:
        folder = site / "lib-1.0-py3.11.egg-info"
        folder.mkdir()
        (folder / "PKG-INFO").write_text("Metadata-Version: 1.2\nName: lib\nVersion: 1.0\n")
        packages = examine(site)
        assert (packages.installed["lib"].version, packages.installed["lib"].origin, packages.faults) == ("1.0", "index", ())

    def test_a_file(self, site: Path) -> None:
        (site / "lib-1.0.egg-info").write_text("Metadata-Version: 1.1\nName: lib\nVersion: 1.0\n")
        packages = examine(site)
        assert (packages.installed["lib"].version, packages.faults) == ("1.0", ())

    def test_an_egg_on_the_path(self, site: Path) -> None:
        (site / "lib-1.0-py3.11.egg" / "EGG-INFO").mkdir(parents=True)
        (site / "lib-1.0-py3.11.egg" / "EGG-INFO" / "PKG-INFO").write_text("Metadata-Version: 1.2\nName: lib\nVersion: 1.0\n")
        packages = examine(site, site / "lib-1.0-py3.11.egg")
        assert (packages.installed["lib"].version, packages.faults) == ("1.0", ())

    def test_a_source_tree_on_the_path(self, site: Path) -> None:
        (site.parent / "source" / "lib.egg-info").mkdir(parents=True)
        (site.parent / "source" / "lib.egg-info" / "PKG-INFO").write_text("Metadata-Version: 1.2\nName: lib\nVersion: 1.0\n")
        packages = examine(site, site.parent / "source")
        assert packages.installed["lib"].origin == "editable"
        assert faults(packages) == ["not-a-release"]


class TestTwoRecords:
    """Two dist-info folders for one name: which one a tool reads is chance."""

    @pytest.mark.parametrize("running", ["1.0", "2.0"])
    def test_the_one_that_agrees_with_the_files_counts(self, site: Path, running: str) -> None:
        for version in ("1.0", "2.0"):
            install(site, "lib", version, f'__version__ = "{running}"')
        packages = examine(site)
        assert faults(packages) == ["duplicate-metadata"]
        assert packages.installed["lib"].version == packages.faults[0].installed == running
        assert "lib-1.0.dist-info, lib-2.0.dist-info lie side by side" in packages.faults[0].detail

    def test_where_the_files_do_not_say_nobody_knows(self, site: Path) -> None:
        for version in ("1.0", "2.0"):
            install(site, "lib", version, "")
        packages = examine(site)
        assert packages.installed["lib"] == Distribution("lib", None, "unknown")
        assert packages.faults[0].installed is None

    def test_where_neither_agrees_with_the_files_both_faults_are_said(self, site: Path) -> None:
        for version in ("1.0", "2.0"):
            install(site, "lib", version, '__version__ = "3.0"')
        packages = examine(site)
        assert packages.installed["lib"].version == "3.0"
        assert sorted(faults(packages)) == ["duplicate-metadata", "version-mismatch"]

    def test_a_folder_met_twice_on_the_path_is_one(self, site: Path) -> None:
        install(site, "lib", "1.0", "")
        (site.parent / "again").symlink_to(site)
        assert faults(examine(site, site.parent / "again")) == []

    def test_one_in_each_of_two_folders_is_not_a_fault_and_the_first_counts(self, site: Path) -> None:
        other = site.parent / "dist-packages"
        other.mkdir()
        install(site, "lib", "2.0", "")
        install(other, "lib", "1.0")
        packages = examine(site, other)
        assert (packages.installed["lib"].version, packages.faults) == ("2.0", ())


class TestHalfThere:
    """What cut-short installs and uninstalls leave."""

    RECORD = "lib/__init__.py,,\nlib-1.0.dist-info/METADATA,,\n"

    def test_a_record_of_files_that_are_gone(self, site: Path) -> None:
        install(site, "lib", "1.0", RECORD=self.RECORD)
        assert faults(examine(site)) == ["half-uninstalled"]

    def test_and_just_so_when_it_was_installed_from_a_file(self, site: Path) -> None:
        install(site, "lib", "1.0", RECORD=self.RECORD, direct_url_json='{"archive_info": {}, "url": "file:///lib.whl"}')
        assert faults(examine(site)) == ["half-uninstalled"]

    def test_a_record_without_a_module_of_its_name_is_whole(self, site: Path) -> None:
        install(site, "lib", "1.0", RECORD="other_name/__init__.py,,\n")
        assert faults(examine(site)) == []

    def test_a_package_that_shares_its_folder_and_so_has_no_init_is_whole(self, site: Path) -> None:
        install(site, "lib", "1.0", RECORD="lib/part.py,,\n")
        (site / "lib").mkdir()
        (site / "lib" / "part.py").touch()
        assert faults(examine(site)) == []

    def test_code_without_init_and_record_is_a_left_over(self, site: Path) -> None:
        (site / "lib").mkdir()
        (site / "lib" / "part.py").touch()
        packages = examine(site)
        assert faults(packages) == ["half-uninstalled"]
        assert packages.installed["lib"] == Distribution("lib", None, "unknown", "directory")

    def test_a_folder_without_code_is_nothing(self, site: Path) -> None:
        (site / "lib" / "models").mkdir(parents=True)
        assert examine(site) == Packages({}, (), ())

    @pytest.mark.parametrize("name", ["~ib", "~-b", "~~b", "~.b", "~0b", "~ib-0.9.dist-info", "~=b-0.9.dist-info"])
    def test_what_pip_set_aside_is_a_left_over_and_no_second_record(self, site: Path, name: str) -> None:
        install(site, "lib", "1.0", '__version__ = "1.0"')
        (site / name).mkdir()
        (site / name / "METADATA").write_text("Name: lib\nVersion: 0.9\n")
        packages = examine(site)
        assert faults(packages) == ["half-uninstalled"]
        assert name in packages.faults[0].detail
        assert packages.installed["lib"].version == "1.0"

    @pytest.mark.parametrize("name", ["~", "~~~", "~b", "~iblio", "~otherlib", "ib", "~ib2-1.0.dist-info"])
    def test_what_is_set_aside_of_others_is_not_ours(self, site: Path, name: str) -> None:
        install(site, "lib", "1.0", "")
        (site / name).mkdir()
        assert faults(examine(site, names=("lib", "other-lib"))) == []


class TestWithoutRecord:
    """A module that no metadata speaks of is installed all the same."""

    @pytest.mark.parametrize("folder", ["site-packages", "dist-packages"])
    def test_where_installers_put_things_the_record_was_lost(self, tmp_path: Path, folder: str) -> None:
        (tmp_path / folder / "lib").mkdir(parents=True)
        (tmp_path / folder / "lib" / "__init__.py").write_text('__version__ = "1.0"')
        packages = examine(tmp_path / folder)
        assert packages.installed["lib"] == Distribution("lib", "1.0", "module", "directory")
        assert faults(packages) == ["missing-metadata"]

    def test_elsewhere_it_is_a_source_tree(self, tmp_path: Path) -> None:
        (tmp_path / "checkout" / "lib").mkdir(parents=True)
        (tmp_path / "checkout" / "lib" / "__init__.py").touch()
        packages = examine(tmp_path / "checkout")
        assert packages.installed["lib"] == Distribution("lib", None, "unknown", "directory")
        assert faults(packages) == ["not-a-release"]


class TestShadows:
    """What `import` takes instead of what is installed."""

    @pytest.mark.parametrize("name", ["lib/__init__.py", "lib.py"])
    def test_in_the_folder_python_is_started_from(self, site: Path, tmp_path: Path, name: str) -> None:
        install(site, "lib", "1.0", "")
        (tmp_path / "here" / name).parent.mkdir(parents=True)
        (tmp_path / "here" / name).touch()
        assert faults(examine(site, directory=tmp_path / "here")) == ["shadowed-module"]

    def test_earlier_on_the_path(self, site: Path, tmp_path: Path) -> None:
        install(site, "lib", "1.0", '__version__ = "1.0"')
        (tmp_path / "first" / "lib").mkdir(parents=True)
        (tmp_path / "first" / "lib" / "__init__.py").write_text('__version__ = "1.0"')
        assert faults(examine(tmp_path / "first", site)) == ["shadowed-module"]

    @pytest.mark.parametrize("name", ["lib/notes.txt", "lib/part.py", "libs.py", "lib.txt"])
    def test_what_import_would_not_take_is_no_shadow(self, site: Path, tmp_path: Path, name: str) -> None:
        install(site, "lib", "1.0", "")
        (tmp_path / "here" / name).parent.mkdir(parents=True)
        (tmp_path / "here" / name).touch()
        assert faults(examine(site, directory=tmp_path / "here")) == []

    def test_started_in_the_folder_itself_nothing_is_shadowed(self, site: Path) -> None:
        install(site, "lib", "1.0", "")
        assert faults(examine(site, directory=site)) == []

    def test_an_editable_install_is_where_it_says(self, site: Path, tmp_path: Path) -> None:
        install(site, "lib", "1.0", direct_url_json='{"dir_info": {"editable": true}, "url": "file:///source"}')
        (tmp_path / "source" / "lib").mkdir(parents=True)
        (tmp_path / "source" / "lib" / "__init__.py").write_text('__version__ = "1.1"')
        packages = examine(site, tmp_path / "source", directory=tmp_path / "source")
        assert (packages.installed["lib"].version, faults(packages)) == ("1.1", ["not-a-release"])


class TestRequirements:
    """What installed distributions declare they need."""

    @pytest.mark.parametrize(
        ("line", "specifier"),
        [
            ("lib>=1,<2", "<2,>=1"),
            ("Lib (>=1)", ">=1"),
            ("lib[fast]>=1", ">=1"),
            ("lib", None),
            ("other>=1", None),
            ("lib>=1; extra == 'fast'", None),
            ("lib>=1; python_version >= '3.10'", ">=1"),
            ("lib>=1; python_version < '3.10'", None),
            ("lib>=1; python_full_version > '3.11.6'", ">=1"),
            ("lib>=1; sys_platform == 'amiga'", None),
            ("lib @ https://example.org/lib.whl", None),
            ("lib>=", None),
            (">=1", None),
            ("lib>=1; python_version", None),
        ],
    )
    def test_those_that_hold_in_the_patients_python_count(self, site: Path, line: str, specifier: str | None) -> None:
        with (install(site, "user", "1.0") / "METADATA").open("a") as file:
            file.write(f"Requires-Dist: {line}\n")
        expected = () if specifier is None else (Requirement("user", "lib", specifier),)
        assert examine(site, python="3.11.7").requirements == expected

    def test_where_the_python_is_not_known_all_count(self, site: Path) -> None:
        with (install(site, "user", "1.0") / "METADATA").open("a") as file:
            file.write("Requires-Dist: lib>=1; python_version < '3.0'\n")
        assert examine(site, python=None).requirements == (Requirement("user", "lib", ">=1"),)

    def test_of_a_name_found_twice_the_first_counts(self, site: Path, tmp_path: Path) -> None:
        (tmp_path / "later").mkdir()
        for folder, floor in ((site, 2), (tmp_path / "later", 1)):
            with (install(folder, "user", "1.0") / "METADATA").open("a") as file:
                file.write(f"Requires-Dist: lib>={floor}\n")
        assert examine(site, tmp_path / "later").requirements == (Requirement("user", "lib", ">=2"),)


@pytest.mark.parametrize("patient", all_patients(), ids=lambda patient: patient.name)
def test_what_is_installed_in_a_patient_is_told_from_its_files_alone(patient: Patient, bare: Path, tmp_path: Path) -> None:
    home = patient.make(bare, tmp_path)
    packages = examine(site_packages(home), names=("torch", "transformers", "accelerate", "peft", "tokenizers", "optimum"))
    said: Mapping[str, object] = {
        name: {"version": each.version, "source": each.source, "origin": each.origin} for name, each in packages.installed.items()
    }
    expected = {
        name: facts and {key: value for key, value in facts.items() if key in ("version", "source", "origin") and isinstance(value, str)}
        for name, facts in patient.expected.packages.items()
    }
    assert agrees(said, expected)


def test_what_is_not_from_an_index_is_told_from_what_is(tmp_path: Path) -> None:
    for name, url in (("acme_llm", "file:///srv/acme%20llm"), ("acme_core", "git+ssh://git@git.acme.biz/core"), ("broken", None)):
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "direct_url.json").write_text(json.dumps({"url": url}) if url else "{")
    (tmp_path / "numpy-1.0.dist-info").mkdir()
    assert unpublished([tmp_path, tmp_path / "nowhere"]) == (("acme-core", None), ("acme-llm", "/srv/acme llm"), ("broken", None))
