# SPDX-License-Identifier: Apache-2.0
"""Just enough of PostgreSQL's protocol (version 3, simple queries, no password) to know of
each row whether the server acknowledged it, refused it, or fell silent.

    with Pg("127.0.1.1", 5432, "shop") as pg:
        pg.query("SELECT 1")        -> [("1",)]

Refused: SqlError. Silent or gone: OSError; what became of the query is not known.
"""
import socket
import struct

READ_ONLY = "25006"


class SqlError(Exception):
    def __init__(self, fields):
        self.code, self.message = fields.get("C", "?"), fields.get("M", "?")
        super().__init__(f"{self.code}: {self.message}")


class Pg:
    def __init__(self, host, port, database="postgres", user="postgres", timeout=2):
        self.socket = socket.create_connection((host, port), timeout)
        try:
            words = ("user", user, "database", database, "application_name", "test")
            body = struct.pack("!i", 196608) + b"".join(
                w.encode() + b"\0" for w in words) + b"\0"
            self.socket.sendall(struct.pack("!i", len(body) + 4) + body)
            self._answer()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def query(self, sql):
        """Rows, as tuples of texts; None for NULL."""
        body = sql.encode() + b"\0"
        self.socket.sendall(b"Q" + struct.pack("!i", len(body) + 4) + body)
        return self._answer()

    def value(self, sql):
        return self.query(sql)[0][0]

    def _bytes(self, n):
        got = b""
        while len(got) < n:
            more = self.socket.recv(n - len(got))
            if not more:
                raise ConnectionError("the server closed the connection")
            got += more
        return got

    def _answer(self):
        rows, error = [], None
        while True:
            head = self._bytes(5)
            body = self._bytes(struct.unpack("!i", head[1:])[0] - 4)
            kind = head[:1]
            if kind == b"Z":
                if error:
                    raise SqlError(error)
                return rows
            if kind == b"R" and struct.unpack("!i", body[:4])[0] != 0:
                raise ConnectionError("the server asks for a password")
            if kind == b"E":
                error = {f[:1].decode(): f[1:].decode(errors="replace")
                         for f in body.split(b"\0") if f}
                if error.get("S") in ("FATAL", "PANIC"):
                    raise ConnectionError(error.get("M"))
            if kind == b"D":
                rows.append(self._row(body))

    @staticmethod
    def _row(body):
        count, at, row = struct.unpack("!h", body[:2])[0], 2, []
        for _ in range(count):
            n = struct.unpack("!i", body[at:at + 4])[0]
            at += 4
            row.append(None if n < 0 else body[at:at + n].decode())
            at += max(n, 0)
        return tuple(row)
