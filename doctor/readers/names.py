"""The names of a project's files that state versions: they tell which reader a file is for, and which of several says most."""

from __future__ import annotations

TOML_LOCK = r"(?:uv|poetry|pdm)\.lock|pylock(?:\.[^.]{1,80})?\.toml"
PIPFILE_LOCK = r"Pipfile\.lock"
PIXI_LOCK = r"pixi\.lock"
CONDA_LOCK = r"(?:[\w-]{1,80}\.)?conda-lock\.ya?ml"
CONDA_EXPLICIT = r"conda-[a-z]{1,20}-\w{1,20}\.lock"
DOCKERFILE = r"(?i:(?:[\w.-]{1,80}\.)?(?:Dockerfile|Containerfile)(?:\.[\w.-]{1,80})?)"
PYPROJECT = r"pyproject\.toml"
OF_A_PROJECT = "|".join((PIPFILE_LOCK, PIXI_LOCK, CONDA_LOCK, CONDA_EXPLICIT, DOCKERFILE, PYPROJECT))
"""Those that `doctor.readers.project_files` reads."""
