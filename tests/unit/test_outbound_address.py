"""Which addresses are public, and which URLs pass by their spelling."""

import pytest

from heliograph.base.address import (
    MAX_URL_CHARACTERS,
    callback_policy,
    check_url,
    is_public,
    is_trusted,
    picture_policy,
    read_networks,
)
from heliograph.base.errors import OperatorError, OutboundRefused


def words(text: str) -> list[str]:
    return text.split()


EDGES_OF_DENIED_NETWORKS = words("""
0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255 100.100.100.200 127.0.0.0
127.255.255.255 169.254.0.0 169.254.169.254 169.254.255.255 172.16.0.0 172.31.255.255 192.0.0.0
192.0.0.192 192.0.0.255 192.0.2.0 192.0.2.255 192.31.196.0 192.31.196.255 192.52.193.0 192.52.193.255
192.88.99.0 192.88.99.255 192.168.0.0 192.168.255.255 192.175.48.0 192.175.48.255 198.18.0.0
198.19.255.255 198.51.100.0 198.51.100.255 203.0.113.0 203.0.113.255 224.0.0.0 239.255.255.255
240.0.0.0 255.255.255.255 168.63.129.16
:: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:168.63.129.16 ::ffff:0:127.0.0.1
::ffff:0:8.8.8.8 64:ff9b::7f00:1 64:ff9b::808:808 64:ff9b:1::7f00:1 100::1 fc00::1 fd00:ec2::254
fd00:ec2::23 fd20:ce::254 fd00:42::42 fe80::1 fe80::1%lo 2600::1%eth0 fec0::1 ff02::1 2001::1
2001:1ff:ffff::1 2001:db8::1 2002:7f00:1:: 2002:0808:0808::1 3fff::1 3fff:fff:ffff::1
2620:4f:8000::1 5f00::1 4000::1 1fff:ffff::1
""")
PUBLIC_NEIGHBOURS = words("""
1.0.0.0 1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0
169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.0 192.0.3.0 192.31.195.255
192.31.197.0 192.52.192.255 192.52.194.0 192.88.98.255 192.88.100.0 192.167.255.255 192.169.0.0
192.175.47.255 192.175.49.0 198.17.255.255 198.20.0.0 198.51.99.255 198.51.101.0 203.0.112.255
203.0.114.0 223.255.255.255 168.63.129.15 168.63.129.17 ::ffff:8.8.8.8
2001:200::1 2001:db7:ffff::1 2001:db9::1 2001:4860:4860::8888 2003::1 2600:: 2606:4700::1111
2620:4f:7fff::1 2620:4f:8001::1 2a00:1450::1 3ffe:ffff::1 3fff:1000::1
""")
REFUSED_URLS = [
    *words(r"""
http://127.0.0.1/ http://127.1/ http://127.0.1/ http://0/ http://2130706433/ http://0x7f000001/
http://0x7f.1/ http://0177.0.0.1/ http://017700000001/ http://127.0.0.1./ http://127.0.0.01/
http://①②⑦.⓪.⓪.①/ http://127。0。0。1/ http://[::1]/ http://[::1%25lo]/ http://[::1%lo]/
http://[fe80::1%25eth0]/ http://[::ffff:127.0.0.1]/ http://[::ffff:7f00:1]/ http://[0:0:0:0:0:ffff:7f00:1]/
http://[::127.0.0.1]/ http://[::ffff:0:127.0.0.1]/ http://[64:ff9b::7f00:1]/ http://[2002:7f00:1::]/
http://[127.0.0.1]/ http://[v1.a]/ http://[]/ http://[::1/ http://::1/
http://localhost/ http://LOCALHOST/ http://localhost./ http://a.localhost/ http://foo.0x/ http://foo.0xff/
http://foo.123/ http://1.2.3.4.5/ http://256.1.1.1/ http://1.2.3/ http://999/ http://169.254.169.254/latest
http://168.63.129.16/ http://100.100.100.200/ http://[fd00:ec2::254]/
http://user@example.com/ http://user:pass@example.com/ http://:pass@example.com/ http://@example.com/
http://example.com@127.0.0.1/ http://127.0.0.1@example.com/ http://example.com%40127.0.0.1/
http://example.com\@127.0.0.1/ http:\\127.0.0.1\ http://example.com\.evil.com/ http://exa%6dple.com/
http://example.com:22/ http://example.com:6379/ http://example.com:0/ http://example.com:65536/
http://example.com:-1/ http://example.com:80a/ http://1.1.1.1:8000/
ftp://example.com/ file:///etc/passwd gopher://example.com/ data:text/plain,x javascript:alert(1)
//example.com/ example.com http: http:// http:/// http:///path http://?x https://#x http:example.com
dict://127.0.0.1:11211/ http+unix://x/ ws://example.com/ blob:http://example.com/
http://a..b/ http://.example.com/ http://-a.com/ http://a-.com/ http://exa!mple.com/ http://a,b.com/
http://*.example.com/ http://exam<ple.com/ http://$(id).example.com/
http://xn--a/ http://xn--a.com/a.png http://www.xn--0.com/ http://xn--99999999.com/
"""),
    "",
    " http://example.com/",
    "http://example.com/ ",
    "http://example.com/\n",
    "http://exa mple.com/",
    "http://example.com/\tx",
    "http://example.com/\r\nHost: evil",
    "http://example.com/\0",
    "http://exam\u200bple.com/",
    "http://example.com/\u202egpj.exe",
    "http://example.com/\ud800",
    "http://example.com/\u2028",
    "http://" + "a" * 64 + ".com/",
    "http://" + "a." * 130 + "com/",
    "http://example.com/" + "a" * MAX_URL_CHARACTERS,
]
ACCEPTED_URLS = {
    "http://example.com": "http://example.com",
    "HTTP://EXAMPLE.COM/A": "http://example.com/A",
    "https://example.com:8443/a?b=c#d@127.0.0.1": "https://example.com:8443/a?b=c",
    "http://example.com:8080/": "http://example.com:8080/",
    "http://example.com./": "http://example.com./",
    "https://bücher.example/ä b.png": "https://xn--bcher-kva.example/%C3%A4%20b.png",
    "http://8.8.8.8/": "http://8.8.8.8/",
    "http://[2606:4700::1111]/": "http://[2606:4700::1111]/",
    "https://a_b.example.com/": "https://a_b.example.com/",
    "https://1.example.com/": "https://1.example.com/",
    "https://example.com/a@b": "https://example.com/a@b",
    "https://example.com?x=http://127.0.0.1/": "https://example.com/?x=http://127.0.0.1/",
}


@pytest.mark.parametrize("address", EDGES_OF_DENIED_NETWORKS)
def test_an_address_of_a_denied_network_is_not_public(address: str):
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC_NEIGHBOURS)
def test_the_neighbours_of_denied_networks_are_public(address: str):
    assert is_public(address)


@pytest.mark.parametrize("text", ["", "example.com", "1.2.3", "0x7f.0.0.1", "/tmp/socket"])
def test_what_is_no_address_is_not_public(text: str):
    assert not is_public(text)


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_a_hostile_url_is_refused_by_its_spelling(url: str):
    with pytest.raises(OutboundRefused):
        check_url(url, picture_policy())
    with pytest.raises(ValueError, match=r"\.$"):
        check_url(url, callback_policy(allow_http=True))


@pytest.mark.parametrize(("url", "understood"), ACCEPTED_URLS.items())
def test_an_ordinary_url_passes_and_loses_its_fragment(url: str, understood: str):
    assert str(check_url(url, picture_policy())) == understood


def test_a_callback_needs_https_unless_http_is_allowed():
    with pytest.raises(OutboundRefused, match=r"must be https://\."):
        check_url("http://example.com/hook", callback_policy())
    assert check_url("http://example.com/hook", callback_policy(allow_http=True))
    assert check_url("https://example.com/hook", callback_policy())


def test_a_trusted_address_may_be_reached_by_http_and_on_any_port():
    policy = callback_policy(["10.1.0.0/16"])
    assert check_url("http://10.1.2.3:9000/hook", policy)
    with pytest.raises(OutboundRefused, match="not a public address"):
        check_url("http://10.2.0.1:9000/hook", policy)
    with pytest.raises(OutboundRefused, match="must be https"):
        check_url("http://8.8.8.8/hook", policy)


def test_a_name_on_an_odd_port_is_left_to_the_connect_only_when_networks_are_trusted():
    url = "http://receiver:9000/hook"
    assert not callback_policy(["10.0.0.0/8"]).is_ordinary(
        check_url(url, callback_policy(["10.0.0.0/8"]))
    )
    with pytest.raises(OutboundRefused):
        check_url(url, callback_policy())


def test_trusting_loopback_trusts_both_of_its_addresses_and_the_name():
    policy = picture_policy(["127.0.0.0/8"])
    assert check_url("http://localhost:8000/", policy)
    assert check_url("http://[::1]:8000/", policy)
    assert check_url("http://[::ffff:127.0.0.1]:8000/", policy)
    assert not is_trusted("fe80::1%lo", policy.trusted)


def test_a_network_is_read_with_or_without_its_length():
    assert [str(network) for network in read_networks(["10.0.0.7", " fd00::/8 "])] == [
        "10.0.0.7/32",
        "fd00::/8",
    ]


@pytest.mark.parametrize("text", ["", "10.0.0.1/8", "example.com", "10.0.0.0/33"])
def test_a_network_that_is_none_stops_the_service_with_a_sentence(text: str):
    with pytest.raises(OperatorError, match="HELIOGRAPH_TRUSTED_NETWORKS"):
        read_networks([text])


def test_the_refusal_names_the_port_and_the_ports_that_are_allowed():
    with pytest.raises(
        OutboundRefused, match=r"port 22 is not allowed; use one of 80, 443, 8080, 8443"
    ):
        check_url("http://example.com:22/", picture_policy())


@pytest.mark.parametrize("middle", ["0000:5efe", "0200:5efe"])
def test_an_address_that_tunnels_to_an_ipv4_address_is_not_public_whatever_its_prefix(middle: str):
    assert is_public(f"2606:4700::{middle}:0a00:0001") is False
    assert is_public(f"2606:4700::{middle}:0808:0808") is False
    # the same figures in another place are nothing special
    assert is_public(f"2606:4700:{middle}::1")
    assert is_public("2606:4700::5eff:a00:1")


def test_a_url_and_a_host_may_be_so_long_and_no_longer():
    start = "https://example.com/"
    assert check_url(start + "a" * (2048 - len(start)), picture_policy())
    with pytest.raises(OutboundRefused, match="2049 characters; at most 2048"):
        check_url(start + "a" * (2049 - len(start)), picture_policy())
    host = ".".join(["a" * 62] * 4)[:250] + ".de"
    assert check_url(f"https://{host}/", picture_policy())
    with pytest.raises(OutboundRefused, match="not a valid host name"):
        check_url(f"https://b{host}/", picture_policy())


def test_a_port_is_written_in_plain_digits():
    with pytest.raises(OutboundRefused, match="not a plain number"):
        check_url("https://example.com:４４３/", picture_policy())  # noqa: RUF001 - that is the point


def test_a_refusal_names_the_host_as_it_was_written():
    with pytest.raises(OutboundRefused, match="host localhost is not"):
        check_url("https://localhost/", picture_policy())


@pytest.mark.parametrize("host", ["8.8.8.8", "[2606:4700::1]"])
def test_a_public_address_on_an_odd_port_is_refused_though_networks_are_trusted(host: str):
    with pytest.raises(OutboundRefused, match="port 22 is not allowed"):
        check_url(f"https://{host}:22/", picture_policy(["10.0.0.0/8"]))
