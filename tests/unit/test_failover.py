"""Where a region in failover answers from: one chain, and the words that pages have for it."""

import pytest

from rttm.core.failover import Link, follow, setting_words


def link(mode: str, data: str = "", *, fails: bool = True, servable: bool = True) -> Link:
    return Link(mode, data, in_failover=fails, has_last_resort=servable)


HEALTHY = link("ip", "192.0.2.99", fails=False)


@pytest.mark.parametrize(
    ("start", "links", "words"),
    [
        ("global", {"global": link("ip", "192.0.2.9")}, "192.0.2.9"),
        ("global", {"global": link("cname", "cdn.example.net")}, "cdn.example.net"),
        ("global", {"global": link("odd")}, "odd"),
        ("Asia", {"Asia": link("global"), "global": HEALTHY}, "region global"),
        ("Asia", {"Asia": link("region", "EU West"), "EU West": HEALTHY}, "region EU West"),
        (
            "Asia",
            {"Asia": link("global"), "global": link("ip", "192.0.2.9")},
            "192.0.2.9",
        ),
        ("global", {"global": link("global")}, "its own pool as the last resort"),
        ("Asia", {"Asia": link("region", "nowhere")}, "its own pool as the last resort"),
        (
            "global",
            {
                "global": link("region", "EU West"),
                "EU West": link("region", "Asia"),
                "Asia": link("global"),
            },
            "its own pool as the last resort",
        ),
        (
            "Asia",
            {
                "global": link("region", "EU West"),
                "EU West": link("global"),
                "Asia": link("global", servable=False),
            },
            "the pool of global as the last resort",
        ),
        (
            "global",
            {"global": link("global", servable=False)},
            "nothing, because every entry has mode no",
        ),
    ],
)
def test_the_chain_is_followed_to_its_end(start, links, words):
    assert follow(start, links).words == words


@pytest.mark.parametrize(
    ("code", "mode", "data", "words"),
    [
        ("Asia", "ip", "192.0.2.9", "192.0.2.9"),
        ("Asia", "cname", "cdn.example.net", "cdn.example.net"),
        ("Asia", "region", "EU West", "region EU West"),
        ("Asia", "global", "", "region global"),
        ("global", "global", "", "its own pool as the last resort"),
    ],
)
def test_settings_name_a_target_whatever_state_it_is_in(code, mode, data, words):
    assert setting_words(code, mode, data) == words
