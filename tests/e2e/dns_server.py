# SPDX-License-Identifier: Apache-2.0
"""A small name server for tests, good and bad, by UDP and TCP on one loopback port.

    s = DnsServer({("www.example.test", A): [a("192.0.2.1")]})
    s.behave = silent
"""
import ipaddress
import socket
import struct
import threading

A, CNAME, TXT, AAAA = 1, 5, 16, 28
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)


def name(text):
    return b"".join(bytes([len(p)]) + p.encode() for p in text.split(".")) + b"\0"


def address(text):
    packed = ipaddress.ip_address(text).packed
    return (A if len(packed) == 4 else AAAA, packed)


def cname(text):
    return (CNAME, name(text))


def txt(*strings):
    return (TXT, b"".join(bytes([len(s)]) + s.encode() for s in strings))


def question_of(data):
    """(name, type, the question's bytes)"""
    at, labels = 12, []
    while data[at]:
        labels.append(data[at + 1:at + 1 + data[at]].decode())
        at += 1 + data[at]
    return ".".join(labels), struct.unpack(">H", data[at + 1:at + 3])[0], data[12:at + 5]


def message(data, rcode=NOERROR, records=(), flags=0x8400, id=None, question=None, owner=None):
    """An answer to `data`. records: (type, rdata) or (type, rdata, owner's bytes)."""
    body = b""
    for record in records:
        kind, rdata = record[:2]
        whose = record[2] if len(record) > 2 else owner or b"\xc0\x0c"
        body += whose + struct.pack(">HHIH", kind, 1, 60, len(rdata)) + rdata
    return (data[:2] if id is None else id) + struct.pack(
        ">HHHHH", flags | rcode, 1, len(records), 0, 0) + (
            question_of(data)[2] if question is None else question) + body


class DnsServer:
    """behave(data, tcp, server) → the bytes to send, a list of them, or None: silence."""

    def __init__(self, zone=None, behave=None, address="127.0.0.1", port=0):
        self.zone, self.behave = dict(zone or {}), behave or honest
        self.asked = []          # (tcp, data, peer)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        while True:
            self.tcp = socket.socket(family)
            self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.tcp.bind((address, port))
            self.port = self.tcp.getsockname()[1]
            self.udp = socket.socket(family, socket.SOCK_DGRAM)
            try:
                self.udp.bind((address, self.port))
                break
            except OSError:      # somebody has that port for UDP
                self.tcp.close()
                self.udp.close()
                if port:
                    raise
        self.tcp.listen(16)
        for run in (self.serve_udp, self.serve_tcp):
            threading.Thread(target=run, daemon=True).start()

    def answers(self, data, tcp):
        out = self.behave(data, tcp, self)
        return out if isinstance(out, list) else [] if out is None else [out]

    def serve_udp(self):
        while True:
            try:
                data, peer = self.udp.recvfrom(4096)
            except OSError:
                return
            if not data:         # shut down
                return
            self.asked.append((False, data, peer))
            for out in self.answers(data, False):
                self.udp.sendto(out, peer)

    def serve_tcp(self):
        while True:
            try:
                connection, peer = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self.converse, args=(connection, peer),
                             daemon=True).start()

    def converse(self, connection, peer):
        with connection:
            try:
                head = connection.recv(2, socket.MSG_WAITALL)
                data = connection.recv(struct.unpack(">H", head)[0], socket.MSG_WAITALL)
                self.asked.append((True, data, peer))
                for out in self.answers(data, True):
                    connection.sendall(
                        struct.pack(">H", len(out)) + out)
                connection.recv(1)
            except (OSError, struct.error):
                pass

    def close(self):
        for s in (self.udp, self.tcp):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()


def honest(data, tcp, server):
    asked, kind, _ = question_of(data)
    found = server.zone.get((asked.lower(), kind))
    if found is None:
        known = any(n == asked.lower() for n, _ in server.zone)
        return message(data, NOERROR if known else NXDOMAIN)
    out = message(data, records=found)
    if not tcp and len(out) > 512:
        return message(data, flags=0x8600)
    return out


def silent(data, tcp, server):
    return None


def code(rcode):
    return lambda data, tcp, server: message(data, rcode)
