"""Which addresses may be probed: every row and column of the table."""

from ipaddress import ip_network

import pytest

from rttm.engine.targets import limits, refusal

NEVER = [
    "169.254.169.254",
    "169.254.0.1",
    "fe80::1",
    "fe80::1%eth0",
    "fd00:ec2::254",
    "fd20:ce::254",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "224.0.0.1",
    "239.255.255.255",
    "ff02::1",
    "0.0.0.0",
    "0.1.2.3",
    "::",
    "240.0.0.1",
    "255.255.255.255",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "64:ff9b:1::a9fe:a9fe",
    "::a9fe:a9fe",
    "::ffff:0:a9fe:a9fe",
    "2a00::5efe:a9fe:a9fe",
    "2001:db8::200:5efe:a9fe:a9fe",
]
OUR_OWN = [
    "127.0.0.1",
    "127.255.255.254",
    "::1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "fc00::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::1",
    "::7f00:1",
    "::ffff:0:7f00:1",
    "fec0::1",
    "64:ff9b:1::808:808",
    "2a00:1450::5efe:808:808",  # ISATAP, of a public address too
    "2a00:1450::200:5efe:808:808",
    "2a00:1450::5efe:7f00:1",
    "fd00::5efe:a00:1",
    "3fff::1",
    "3fff:fff:ffff::1",
    "2d00::1",  # of no registry yet
    "3ffe::1",
    "4000::1",
    "64:ff9b:2::1",
    "fe00::1",
]
PUBLIC = [
    *("8.8.8.8", "193.0.14.129", "100.128.0.1", "2600:1901::1", "::ffff:8.8.8.8"),
    *("2001:500:2f::f", "2001:7fe::53", "2003::1", "2400:cb00::1", "2410::1", "2610:a1::1"),
    *("2620:fe::9", "2630::1", "2800:3f0::1", "2a00:1450::5eff:808:808", "2a10:50c0::ad1:ff"),
    *("2c0f:fb50::1", "2a00:1450::1:5efe:808:808", "2002:808:808::1", "64:ff9b::808:808"),
]

EVERYTHING = [ip_network("0.0.0.0/0"), ip_network("::/0")]


@pytest.mark.parametrize("address", NEVER)
def test_link_local_metadata_and_multicast_are_refused_even_when_allowed(address):
    assert refusal(address, limits(EVERYTHING, []))
    assert refusal(address, limits([], []))


@pytest.mark.parametrize("address", OUR_OWN)
def test_loopback_and_private_networks_are_probed_only_when_allowed(address):
    assert "PROBE_ALLOW" in refusal(address, limits([], []))
    assert refusal(address, limits(EVERYTHING, [])) == ""
    assert "PROBE_DENY" in refusal(address, limits(EVERYTHING, EVERYTHING))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_probed_unless_denied(address):
    assert refusal(address, limits([], [])) == ""
    assert "PROBE_DENY" in refusal(address, limits([], EVERYTHING))
    assert "PROBE_DENY" in refusal(address, limits(EVERYTHING, EVERYTHING))


@pytest.mark.parametrize(
    ("network", "address"),
    [
        ("64:ff9b::/96", "64:ff9b::808:808"),
        ("2002::/16", "2002:808:808::1"),
        ("::ffff:8.8.8.0/120", "::ffff:8.8.8.8"),
        ("8.8.8.0/24", "64:ff9b::808:808"),
    ],
)
def test_a_wrapped_address_is_denied_by_either_of_its_networks(network, address):
    assert "PROBE_DENY" in refusal(address, limits([], [ip_network(network)]))
    assert refusal(address, limits([], [])) == ""


def test_an_allowed_wrapping_does_not_allow_what_it_wraps():
    """Who allows IPv6 has not said that this machine itself may be probed."""
    assert refusal("::ffff:127.0.0.1", limits([ip_network("::/0")], []))


def test_a_tunnel_is_allowed_by_its_network_and_by_what_it_leads_to():
    """To allow an IPv6 network does not allow probes of this machine through that network."""
    network, leads_to = ip_network("2a00:1450::/32"), ip_network("127.0.0.0/8")
    address = "2a00:1450::5efe:7f00:1"
    for allowed in ([network], [leads_to]):
        assert "PROBE_ALLOW" in refusal(address, limits(allowed, []))
    assert refusal(address, limits([network, leads_to], [])) == ""
    assert refusal("2a00:1450::5efe:808:808", limits([network], [])) == ""


def test_only_the_network_that_is_named_is_allowed():
    only = limits([ip_network("127.0.10.0/24")], [])
    assert refusal("127.0.10.255", only) == ""
    assert refusal("127.0.11.0", only)
    assert refusal("127.0.9.255", only)


def test_refusal_names_the_address_and_the_reason():
    reason = refusal("169.254.169.254", limits([], []))
    assert reason == "169.254.169.254 is not probed: it is a link-local address"
    assert "metadata" in refusal("100.100.100.200", limits([], []))
