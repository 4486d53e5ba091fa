"""Read drawn pages in tests: parse, find, and the words a person sees."""

from copy import deepcopy

from django.http import HttpResponse
from lxml import html
from lxml.html import HtmlElement


def parse(response: HttpResponse) -> HtmlElement:
    """A page, or a fragment; a row alone is kept by its table."""
    text = response.content.decode()
    return html.fromstring(text if "<html" in text else f"<table>{text}</table>")


def find(tree: HtmlElement, *, within: str = "", tag: str = "*", **attributes: str) -> list:
    """Elements by tag and attributes, `class_` by one of the classes; `within` an id's element."""
    tests = [_test(name.replace("_", "-").rstrip("-"), value) for name, value in attributes.items()]
    start = f"//*[@id='{within}']" if within else ""
    return tree.xpath(f"{start}//{tag}{''.join(tests)}")


def _test(name: str, value: str) -> str:
    if name == "class":
        return f"[contains(concat(' ', normalize-space(@class), ' '), ' {value} ')]"
    return f"[@{name}='{value}']" if value else f"[@{name}]"


def words(element: HtmlElement) -> str:
    """The text, with a space where the page has a new line or cell."""
    copy = deepcopy(element)
    for part in copy.iter("br", "td", "th", "li", "p", "option"):
        part.tail = f" {part.tail or ''}"
    return " ".join(copy.text_content().split())
