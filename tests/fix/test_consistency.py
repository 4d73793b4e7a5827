from __future__ import annotations

from doctor.fix.consistency import complaints

MARKERS = {"python_version": "3.11", "sys_platform": "linux"}


def said(declared: dict[str, tuple[str, ...]], **versions: str) -> list[str]:
    return [each.sentence for each in complaints(declared, versions, MARKERS)]


def test_what_is_needed_and_is_there_is_no_complaint() -> None:
    assert said({"peft": ("accelerate>=0.21", "torch")}, peft="1", accelerate="1.0", torch="2.13.0+cpu") == []


def test_a_version_that_does_not_do_and_a_package_that_is_not_there_are_named() -> None:
    assert said({"peft": ("accelerate<1.1", "numpy")}, peft="1", accelerate="1.1.0") == [
        "peft needs accelerate<1.1, but there is accelerate 1.1.0",
        "peft needs numpy, but numpy is not there",
    ]


def test_markers_decide_whether_a_requirement_counts() -> None:
    lines = ("tomli; python_version < '3.11'", "pywin32; sys_platform == 'win32'", "numpy; python_version >= '3.9'")
    assert said({"a": lines}, a="1") == ["a needs numpy, but numpy is not there"]


def test_an_extra_counts_where_it_is_asked_for_through_others_too() -> None:
    declared = {"app": ("lib[fast]",), "lib": ("dep[deep]; extra == 'fast'", "unused; extra == 'other'"), "dep": ("deeper>=2; extra == 'deep'",)}
    assert said(declared, app="1", lib="1", dep="1", deeper="1") == ["dep needs deeper>=2, but there is deeper 1"]
    assert said({name: lines for name, lines in declared.items() if name != "app"}, lib="1", dep="1", deeper="1") == []


def test_a_build_or_development_release_counts_by_its_version() -> None:
    assert said({"a": ("torch>=2.13", "transformers>=4.49")}, a="1", torch="2.13.0+cu126", transformers="4.50.0.dev0") == []


def test_what_cannot_be_parsed_is_passed_over() -> None:
    assert said({"a": ("???", "lib")}, a="1", lib="not a version") == []
