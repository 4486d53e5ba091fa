"""The page-converges check: what an open page re-reads makes it the page a newcomer gets.

Draw the page, run the change, re-read only the components whose topics fired, compare.
"""

import re
from collections.abc import Callable

from django.test import Client
from lxml import html
from lxml.html import HtmlElement

HTMX = {"HX-Request": "true"}
# What differs from one drawing to the next without being news: ages, tokens, and the notice of
# another order, which an open board takes only when its reader asks.
NOISE = ("//time", "//input[@name='csrfmiddlewaretoken']", "//*[@id='board-order']")
BOARD_ROWS = "//tr[starts-with(@id, 'service-row-')]"


def assert_converges(client: Client, url: str, topics: set[str], change: Callable[[], object]):
    open_page = html.fromstring(client.get(url).content)
    topics.clear()
    change()
    for element in open_page.xpath("//*[@hx-get and contains(@hx-trigger, 'sse:')]"):
        listens_to = set(re.findall(r"sse:([\w-]+)", element.get("hx-trigger")))
        if listens_to & topics and element.getroottree().getroot() is open_page:
            _reread(client, element)
    assert _told(open_page) == _told(html.fromstring(client.get(url).content))


def _reread(client: Client, element: HtmlElement) -> None:
    response = client.get(element.get("hx-get"), headers=HTMX)
    if response.status_code == 204:
        return
    assert response.status_code in (200, 404), response.status_code
    if response.status_code == 200:
        drawn = html.fromstring(f"<table>{response.content.decode()}</table>")
        element.getparent().replace(element, drawn.get_element_by_id(element.get("id")))


def _told(page: HtmlElement) -> str:
    for path in NOISE:
        for element in page.xpath(path):
            element.drop_tree()
    for row in sorted(page.xpath(BOARD_ROWS), key=lambda row: row.get("id")):
        row.getparent().append(row)
    text = html.tostring(page.find(".//main"), encoding="unicode")
    return re.sub(r"\s+", " ", text).replace("> <", "><")
