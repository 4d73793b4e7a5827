"""Which distribution's file a path names."""

from __future__ import annotations

import pytest

from doctor.dating.places import place_of

MODELING = "transformers/modeling_utils.py"


@pytest.mark.parametrize(
    "file",
    [
        "/usr/lib/python3/dist-packages/transformers/modeling_utils.py",
        "C:/Users/me/venv/Lib/site-packages/transformers/modeling_utils.py",
        "/opt/app/transformers-4.46.3-py3-none-any.whl/transformers/modeling_utils.py",
        "/home/me/transformers/venv/lib/python3.11/site-packages/transformers/modeling_utils.py",
        "transformers/modeling_utils.py",
        ".../transformers/modeling_utils.py",
        "/transformers/modeling_utils.py",
    ],
)
def test_an_installed_file_is_its_distributions(file: str) -> None:
    place = place_of(file)
    assert place is not None
    assert (place.distribution, place.path, place.installed) == ("transformers", MODELING, True)


@pytest.mark.parametrize("file", ["/repo/src/transformers/src/transformers/modeling_utils.py", "/app/third_party/transformers/modeling_utils.py"])
def test_a_checkout_or_a_copy_is_known_and_marked(file: str) -> None:
    place = place_of(file)
    assert place is not None
    assert (place.path, place.installed) == (MODELING, False)


@pytest.mark.parametrize(
    "file",
    [
        "/venv/lib/python3.11/site-packages/unsloth/vendored/transformers/modeling_utils.py",
        "/venv/lib/python3.11/site-packages/transformers_modules/me/modeling_me.py",
        "/home/me/transformers/train.py",
        "/home/me/torch/run.py",
        "<string>",
        "",
        "/",
        "site-packages",
        "/venv/site-packages/",
    ],
)
def test_another_projects_file_is_nobodys(file: str) -> None:
    assert place_of(file) is None


def test_a_name_with_a_dash_is_imported_with_an_underscore() -> None:
    place = place_of("/venv/site-packages/sentence_transformers/SentenceTransformer.py")
    assert place is not None
    assert place.distribution == "sentence-transformers"
