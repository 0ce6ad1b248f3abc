"""Markdown as GitHub renders it: what came of a text."""

import re
from html import unescape

from markdown_it import MarkdownIt

# GitHub's own additions, on texts outside of code: a mention, an issue, a formula, a picture by
# name and an address.
_ADDITIONS = re.compile(r"@\w|#\d|\bGH-\d|\$|:[\w+-]+:|www\.|://", re.IGNORECASE)


def rendered(markdown: str) -> str:
    """Render Markdown with tables and struck text; HTML in it stays HTML."""
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(markdown)


def tags_of(html: str) -> set[str]:
    return set(re.findall(r"<(\w+)", html))


def text_of(html: str) -> str:
    """The words that are shown; an element within a line does not part them."""
    inline = re.sub(r"</?(code|a|em|strong|s)\b[^>]*>", "", html)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", inline)).split())


def additions_in(html: str) -> list[str]:
    """What GitHub would turn into something else in the texts outside of code and of links."""
    texts = re.sub(r"<(code|a)\b.*?</\1>", " ", html, flags=re.DOTALL)
    return _ADDITIONS.findall(text_of(texts))
