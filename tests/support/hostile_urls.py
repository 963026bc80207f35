# ruff: noqa: RUF001 - digits and letters of other scripts are what this is about
"""URLs that must lead nowhere, URLs that must work, and the names that some of them are about."""

import ipaddress
import itertools
from collections.abc import Iterator
from urllib.parse import quote


def words(text: str) -> list[str]:
    return text.split()


#: Where the servers of the trial answer; every packet to another address is one too many.
PUBLIC_4, PUBLIC_6 = "93.184.215.14", "2606:4700::1111"
PUBLIC = (PUBLIC_4, PUBLIC_6, "8.8.8.8", "1.1.1.1", "2a00:1450::1", "2001:4860:4860::8888")

NAMES_THAT_MOVE = 34
PORTS = (80, 443, 8080, 8443)

PRIVATE_4 = words("""
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 127.0.0.1 127.1.2.3 169.254.0.1 172.16.0.1
172.31.255.254 192.0.0.8 192.0.2.1 192.31.196.1 192.52.193.1 192.88.99.1 192.168.1.1 192.175.48.1
198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255
""")
#: AWS, GCP, Azure, OpenStack, ECS, EKS, Alibaba, Oracle, Scaleway, Azure's wire server.
METADATA_4 = words("""
169.254.169.254 169.254.170.2 169.254.170.23 169.254.169.253 100.100.100.200 192.0.0.192
169.254.42.42 168.63.129.16
""")
METADATA_6 = words("""
fd00:ec2::254 fd00:ec2::23 fd20:ce::254 fd00:42::42 fd00:c1::a9fe:a9fe fe80::a9fe:a9fe
""")
PRIVATE_6 = words("""
:: ::1 100::1 100:0:0:1::1 1fff::1 2001::1 2001:2::1 2001:10::1 2001:20::1 2001:db8::1 2620:4f:8000::1
3fff::1 4000::1 5f00::1 fc00::1 fdff::1 fe80::1 febf::1 fec0::1 feff::1 ff01::1 ff02::1 ff05::2 ffff::1
""")
SPELLINGS = words("""
127.1 127.0.1 0 00 0x0 2130706433 017700000001 0x7f000001 0X7F000001 0x7f.1 0x7f.0.0.1 0177.0.0.1
0177.1 127.0.0.01 127.0.0.1. 127.0.0.0x1 00127.0.0.1 4294967295 4294967296 18446744073709551617
2852039166 0xa9fea9fe 0xA9.0xFE.0xA9.0xFE 0251.0376.0251.0376 0251.254.169.254 169.16689662
169.254.43518 0xa9fea9fe. 025177524776 1.2.3 1.2.3.4.5 256.1.1.1 999 0x 127.0.0.1.0x7f
①②⑦.⓪.⓪.① １２７.０.０.１ 127。0。0。1 127．0．0．1 127｡0｡0｡1 ¹²⁷.0.0.1 ₁₂₇.0.0.1 𝟏𝟐𝟕.𝟎.𝟎.𝟏
𝟣𝟨𝟫.254.169.254 169.254.169.25④ ２１３０７０６４３３ ０ｘ７ｆ.1 ⑴.1 127%2e0%2e0%2e1 %31%32%37.0.0.1
१२७.०.०.१ ١٢٧.٠.٠.١ ⅰ.⑳.1 [::ffff:①27.0.0.1]
localhost LOCALHOST localhost. a.localhost ｌｏｃａｌｈｏｓｔ ⓛocalhost loc%61lhost localhost:22
[127.0.0.1] [v1.127.0.0.1] [::1 ::1 [] [::1]x [::1]:0x50 [::1%25lo] [::1%lo] [fe80::1%25eth0]
[fe80::1%251] [2606:4700::1111%25lo] [2606:4700::1111%25] [::ffff:127.0.0.1%25lo] [0:0:0:0:0:0:0:1]
[0000::0001] [::ffff:0x7f.1] [::ffff:127.1]
""")
CONFUSING = words(r"""
http://PUBLIC@127.0.0.1/ http://127.0.0.1@PUBLIC/ http://a:b@10.0.0.1/ http://@127.0.0.1/ http://:@127.0.0.1/
http://PUBLIC:80@127.0.0.1/ http://PUBLIC%40127.0.0.1/ http://PUBLIC\@127.0.0.1/ http://127.0.0.1\@PUBLIC/
http:\\127.0.0.1\ http://127.0.0.1#@PUBLIC/ http://127.0.0.1?@PUBLIC/ http://127.0.0.1;@PUBLIC/ http://127.0.0.1%23@PUBLIC/
http://[::1]@PUBLIC/ http://PUBLIC@[::1]/ http:127.0.0.1 http:/127.0.0.1 http:///127.0.0.1/ ///127.0.0.1/ //127.0.0.1/
http://0/ http://PUBLIC:22/ http://PUBLIC:25/ http://PUBLIC:6379/ http://PUBLIC:5432/ http://PUBLIC:0/
http://PUBLIC:65616/ http://PUBLIC:-80/ http://PUBLIC:80:22/ http://PUBLIC:8０/ http://PUBLIC:8_0/ http://PUBLIC:+80/ http://PUBLIC:٨٠/ http://PUBLIC:2375/
https://PUBLIC:9200/ ftp://127.0.0.1/ file:///etc/passwd file://127.0.0.1/etc/passwd gopher://127.0.0.1:6379/_x
dict://127.0.0.1:11211/ ldap://127.0.0.1/ unix:/var/run/docker.sock http+unix://%2Fvar%2Frun%2Fdocker.sock/
ws://127.0.0.1/ jar:http://127.0.0.1!/ javascript:alert(1) view-source:http://127.0.0.1/ url:http://127.0.0.1/
http://127.0.0.1,PUBLIC/ http://127.0.0.1;PUBLIC/ http://[PUBLIC]/ http://PUBLIC|127.0.0.1/ http://"127.0.0.1"/
""")
UNSEEN = (
    " http://127.0.0.1/",
    "http://127.0.0.1/ ",
    "\thttp://127.0.0.1/",
    "http://127.0.0.1/\r\nHost: 93.184.215.14",
    "http://93.184.215.14/\r\n\r\nGET / HTTP/1.1\r\nHost: 127.0.0.1",
    "ht\ntp://127.0.0.1/",
    "http://127.0.0\t.1/",
    "http://93.184.215.14/\0@127.0.0.1/",
    "http://127.\u200b0.0.1/",
    "http://127.0.0.1\u3000/",
    "http://127.0.0\u00ad.1/",
    "http://\u202e1.0.0.721/",
    "http://127.0.0.1\ufe0f/",
    "http://93.184.215.14\u2044@127.0.0.1/",
    "http://93.184.215.14\uff0f@127.0.0.1/",
    "http://93.184.215.14\uff03@127.0.0.1/",
    "http://93.184.215.14\ud800/",
)


def as_host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def inside_6(address: str) -> Iterator[str]:
    """Every way in which IPv6 can carry this IPv4 address."""
    four = ipaddress.IPv4Address(address)
    high, low = f"{int(four) >> 16:x}", f"{int(four) & 0xFFFF:x}"
    inverted = int(four) ^ 0xFFFFFFFF
    yield f"::ffff:{address}"
    yield f"::ffff:{high}:{low}"
    yield f"::{address}"
    yield f"::ffff:0:{address}"
    yield f"2002:{high}:{low}::"
    yield f"2002:{high}:{low}::{high}:{low}"
    yield f"2001:0:{high}:{low}::1"
    yield f"2001:0:808:808::{inverted >> 16:x}:{inverted & 0xFFFF:x}"
    yield f"64:ff9b::{address}"
    yield f"64:ff9b:1::{high}:{low}"
    yield f"fe80::5efe:{high}:{low}"
    yield f"2606:4700::5efe:{high}:{low}"
    yield f"2606:4700::200:5efe:{high}:{low}"


def private_addresses() -> list[str]:
    """No packet may leave for one of these."""
    carried = [inside_6(one) for one in ("127.0.0.1", "169.254.169.254", "10.0.0.1")]
    own = [*PRIVATE_4, *METADATA_4, *METADATA_6, *PRIVATE_6]
    return list(dict.fromkeys([*own, *itertools.chain(*carried)]))


def zone() -> dict[str, list[list[str]]]:
    """What our name server says: for each look-up of a name its next addresses; the last ones stay."""
    names: dict[str, list[list[str]]] = {
        "good.example": [[PUBLIC_4, PUBLIC_6]],
        "four.example": [[PUBLIC_4]],
        "six.example": [[PUBLIC_6]],
        "xn--bcher-kva.example": [[PUBLIC_4]],
        "a_b.good.example": [[PUBLIC_4]],
        "1.good.example": [[PUBLIC_4]],
        "127.0.0.1.good.example": [[PUBLIC_4]],
        "metadata.google.internal": [["169.254.169.254"]],
        "metadata.search.example": [["169.254.169.254"]],
        "kubernetes.default.svc.cluster.local": [["10.96.0.1"]],
        "host.docker.internal": [["192.168.65.2"]],
        "127.0.0.1.nip.example": [["127.0.0.1"]],
        "xn--lcalhost-n4a.example": [["127.0.0.1"]],
    }
    for index, address in enumerate(private_addresses()):
        names[f"alone-{index}.example"] = [[address]]
        names[f"mixed-{index}.example"] = [[PUBLIC_4, PUBLIC_6, address]]
    for index in range(NAMES_THAT_MOVE):
        names[f"moving-{index}.example"] = [[PUBLIC_4], ["127.0.0.1"], ["169.254.169.254"]]
    return names


def redirects() -> Iterator[str]:
    """A public host that sends the caller inside, at once or after a detour."""
    targets = [f"http://{as_host(address)}/" for address in private_addresses()]
    targets += [f"http://{name}/" for name in ("alone-3.example", "mixed-3.example", "localhost")]
    targets += [
        "//169.254.169.254/latest",
        "http:127.0.0.1",
        "file:///etc/passwd",
        "http://[::1%25lo]/",
    ]
    targets += [
        r"\\127.0.0.1\x",
        r"http://good.example\@127.0.0.1/",
        "http://a@127.0.0.1/",
        "http://good.example:22/",
    ]
    targets += [
        "http://127.1/",
        "http://2130706433/",
        "http://①②⑦.⓪.⓪.①/",
        "http://0x7f.1/",
        "http://[",
    ]
    for status, target in zip(itertools.cycle((301, 302, 303, 307, 308)), targets, strict=False):
        yield redirect(status, target)
    yield redirect(302, redirect(307, redirect(302, "http://169.254.169.254/")))
    yield redirect(302, redirect(302, redirect(302, redirect(302, "http://good.example/ok"))))


def redirect(status: int, target: str) -> str:
    return f"http://good.example/to/{status}?{quote(target, safe='')}"


def hostile_urls() -> list[str]:
    """All of them must be refused, or at least end at a public host."""
    urls = [f"http://{as_host(address)}/" for address in private_addresses()]
    urls += [f"http://{host}/" for host in SPELLINGS]
    urls += [text.replace("PUBLIC", PUBLIC_4) for text in CONFUSING]
    urls += UNSEEN
    urls += [f"https://{name}/" for name in zone() if name.startswith(("alone", "mixed"))]
    urls += ["http://metadata.google.internal/computeMetadata/v1/", "http://metadata/latest/"]
    urls += ["http://kubernetes.default.svc.cluster.local/", "http://host.docker.internal/"]
    urls += ["http://127.0.0.1.nip.example/", "http://lοcalhost.example/", "http://metadata./"]
    return list(dict.fromkeys(urls))


def legitimate_urls() -> list[str]:
    """All of them must be reached."""
    hosts = [as_host(address) for address in PUBLIC]
    hosts += ["good.example", "GOOD.example", "good.example.", "four.example", "six.example"]
    hosts += ["bücher.example", "xn--bcher-kva.example", "a_b.good.example", "1.good.example"]
    hosts += ["127.0.0.1.good.example", "[2606:4700:0:0:0:0:0:1111]", "[2606:4700::0.0.17.17]"]
    hosts += [f"four.example:{port}" for port in (80, 8080)] + [f"[{PUBLIC_6}]:8080"]
    urls = [f"http://{host}/ok" for host in hosts]
    urls += [f"https://{host}/ok" for host in ("good.example", PUBLIC_4, f"[{PUBLIC_6}]")]
    urls += ["https://four.example:443/ok", "https://six.example:8443/ok"]
    urls += ["http://good.example/ok?a=http://127.0.0.1/", "http://good.example/ok#@127.0.0.1"]
    urls += [
        "http://good.example/ok?user@host",
        "HTTP://good.example/ok",
        "http://good.example/ok?%20%00",
    ]
    urls += [
        "http://good.example/ok?ä=b c",
        "http://good.example//ok/../ok",
        f"http://[::ffff:{PUBLIC_4}]/ok",
    ]
    return urls
