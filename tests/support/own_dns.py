"""A name server of our own: it speaks real DNS, and a name may have other addresses at each look-up."""

import socket
import struct
import threading
from collections import Counter
from collections.abc import Mapping

A, AAAA = 1, 28
NO_SUCH_NAME = 3


class OwnDns:
    """Answers on UDP port 53 of loopback from `zone`: for each name the addresses of each look-up."""

    def __init__(self, zone: Mapping[str, list[list[str]]]) -> None:
        self.zone = zone
        self.asked: Counter[tuple[str, int]] = Counter()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            query, sender = self.socket.recvfrom(4096)
            self.socket.sendto(self.answer(query), sender)

    def answer(self, query: bytes) -> bytes:
        labels, at = [], 12
        while length := query[at]:
            labels.append(query[at + 1 : at + 1 + length].decode().lower())
            at += 1 + length
        question = query[12 : at + 5]
        (kind,) = struct.unpack_from(">H", query, at + 1)
        name = ".".join(labels)
        records = [record(kind, one) for one in self.look_up(name, kind)]
        code = 0 if name in self.zone else NO_SUCH_NAME
        head = query[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, len(records), 0, 0)
        return head + question + b"".join(records)

    def look_up(self, name: str, kind: int) -> list[str]:
        answers = self.zone.get(name, [[]])
        turn = min(self.asked[name, kind], len(answers) - 1)
        self.asked[name, kind] += 1
        return [one for one in answers[turn] if (":" in one) == (kind == AAAA)]


def record(kind: int, address: str) -> bytes:
    """An answer about the name of the question, not to be kept."""
    packed = socket.inet_pton(socket.AF_INET6 if kind == AAAA else socket.AF_INET, address)
    return b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 0, len(packed)) + packed
