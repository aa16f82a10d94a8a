#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A small web server whose health is a matter of command.

    web.py ADDRESS PORT

Listens (PORT 0: any), prints "ready PORT" and does what its standard input says, a word
a line, answering "did WORD" each time:
    200, 503, ...  that status from now on
    hang           takes requests and says nothing
    refuse         closes the listener: connections are refused
    blackhole      listens with a full backlog: the kernel drops what comes
    listen         listens again
It ends with its standard input.
"""
import os
import selectors
import socket
import sys


class Server:
    def __init__(self, address, port):
        self.address, self.port = address, port
        self.selector = selectors.DefaultSelector()
        self.mode, self.listener, self.filler = "200", None, []
        self.listen(128)
        self.port = self.listener.getsockname()[1]
        self.selector.register(0, selectors.EVENT_READ, self.command)
        self.words = b""

    def listen(self, backlog):
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((self.address, self.port))
        s.listen(backlog)
        s.setblocking(False)
        self.listener = s
        if backlog > 0:
            self.selector.register(s, selectors.EVENT_READ, self.accept)

    def close(self):
        for s in self.filler:
            s.close()
        self.filler = []
        for key in list(self.selector.get_map().values()):
            if key.fileobj != 0:
                self.selector.unregister(key.fileobj)
                key.fileobj.close()
        if self.listener is not None:
            self.listener.close()
        self.listener = None

    def accept(self):
        try:
            s, _ = self.listener.accept()
        except OSError:
            return
        s.setblocking(False)
        self.selector.register(s, selectors.EVENT_READ, lambda: self.answer(s))

    def answer(self, s):
        try:
            asked = s.recv(65536)
        except OSError:
            asked = b""
        if asked and self.mode == "hang":
            return
        if asked:
            body = b"ok\n"
            try:
                s.send(b"HTTP/1.1 %s Said\r\nContent-Length: %d\r\nConnection: close"
                       b"\r\n\r\n%s" % (self.mode.encode(), len(body), body))
            except OSError:
                pass
        self.selector.unregister(s)
        s.close()

    def fill(self):
        """Takes every place in the backlog, so that the next SYN is dropped."""
        for _ in range(4):
            s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            s.setblocking(False)
            s.connect_ex((self.address, self.port))
            self.filler.append(s)

    def command(self):
        got = os.read(0, 4096)
        if not got:
            sys.exit(0)
        self.words += got
        while b"\n" in self.words:
            word, self.words = self.words.split(b"\n", 1)
            self.obey(word.decode())
            print("did", word.decode(), flush=True)

    def obey(self, word):
        if word == "refuse":
            self.close()
        elif word == "blackhole":
            self.close()
            self.listen(0)
            self.fill()
        elif word == "listen":
            self.close()
            self.mode = "200"
            self.listen(128)
        else:
            self.mode = word

    def run(self):
        print("ready", self.port, flush=True)
        while True:
            for key, _ in self.selector.select():
                # What an earlier one of this round closed is no more.
                if key.fileobj == 0 or (key.fileobj.fileno() >= 0 and
                                        key.fileobj in self.selector.get_map()):
                    key.data()


if __name__ == "__main__":
    Server(sys.argv[1], int(sys.argv[2])).run()
