"""The docs, from Markdown to HTML: links between pages lead to the pages, those to files of the repository that are not on the site to nothing."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.anchors import anchors_plugin

from doctor.facts.frozen import Frozen

_WIDE = {"<table>": '<div class="wide" tabindex="0"><table>', "</table>": "</table></div>", "<pre>": '<pre tabindex="0">'}
"""What may be wider than a phone scrolls by itself, with the keyboard too."""
_ELSEWHERE = re.compile(r"[a-z]{1,20}:|#")


class DocPage(Frozen):
    """One page of the docs."""

    name: str
    """Without its ending: `manual`."""
    title: str
    body: str
    """HTML, without the title."""


def doc_pages(folder: Path) -> Iterator[DocPage]:
    """Every page of a folder, by name."""
    files = sorted(folder.glob("*.md"))
    names = {each.stem for each in files}
    return (_page(each.stem, each.read_text("utf-8"), names) for each in files)


def _page(name: str, text: str, names: Collection[str]) -> DocPage:
    markdown = MarkdownIt("commonmark").enable("table").use(anchors_plugin, max_level=4)
    tokens = markdown.parse(text)
    title = tokens[1].content
    for each in tokens:
        if each.children:
            each.children = list(_led_to_pages(each.children, names))
    body = markdown.renderer.render(tokens[3:], markdown.options, {})
    for tag, wide in _WIDE.items():
        body = body.replace(tag, wide)
    return DocPage(name, title, body)


def _led_to_pages(tokens: list[Token], names: Collection[str]) -> Iterator[Token]:
    """The tokens of a line of text, with its links as they are on the site."""
    kept: list[bool] = []
    for each in tokens:
        if each.type == "link_open":
            target = _target(str(each.attrs["href"]), names)
            kept.append(target is not None)
            if target is None:
                continue
            each.attrs["href"] = target
        elif each.type == "link_close" and not kept.pop():
            continue
        yield each


def _target(link: str, names: Collection[str]) -> str | None:
    """Where a link of a page leads on the site; None where what it names is not there."""
    if _ELSEWHERE.match(link):
        return link
    path, mark, fragment = link.partition("#")
    path = posixpath.normpath(posixpath.join("docs", path))
    if path == "README.md":
        return "../index.html"
    if path.startswith("docs/") and path.removesuffix(".md")[len("docs/") :] in names:
        return f"{path[len('docs/') :].removesuffix('.md')}.html{mark}{fragment}"
    if path.startswith("doctor/schemas/"):
        return f"../schemas/{path.rpartition('/')[2]}"
    return None
