#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
"""The fault proxy does what it says: tests that stand on it are only as good as it is."""
import socket
import threading
import time
import unittest

from fault_proxy import FaultProxy

PATIENCE_S = 20


class Echo:
    """Says back what it is told, by TCP and UDP; remembers it."""

    def __enter__(self):
        self.heard = b""
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.port = self.tcp.getsockname()[1]
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", self.port))
        for job in (self.accept, self.answer):
            threading.Thread(target=job, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.tcp.close()
        self.udp.close()

    def accept(self):
        while True:
            try:
                s, _ = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(s,), daemon=True).start()

    def talk(self, s):
        try:
            while data := s.recv(1000):
                self.heard += data
                s.sendall(data)
        except OSError:
            pass
        s.close()

    def answer(self):
        while True:
            try:
                data, who = self.udp.recvfrom(1000)
                self.udp.sendto(data, who)
            except OSError:
                return


class Proxy(unittest.TestCase):
    def setUp(self):
        self.echo = self.enterContext(Echo())
        self.net = self.enterContext(FaultProxy())
        self.at = self.net.way("x", "127.0.0.1", self.echo.port, datagrams=True)

    def connect(self):
        s = socket.create_connection(self.at, PATIENCE_S)
        s.settimeout(PATIENCE_S)
        self.addCleanup(s.close)
        return s

    def says_back(self, s, text=b"hello"):
        s.sendall(text)
        back = b""
        while len(back) < len(text) and (more := s.recv(1000)):
            back += more
        self.assertEqual(text, back)

    def silent(self, s, text=b"x"):
        s.sendall(text)
        s.settimeout(0.3)
        self.assertRaises(TimeoutError, s.recv, 1)
        s.settimeout(PATIENCE_S)

    def is_reset(self, s):
        self.assertRaises((ConnectionError, BrokenPipeError), self.until_reset, s)

    def until_reset(self, s):
        while s.recv(1000):
            pass
        raise ConnectionResetError  # an orderly end will do

    def heard(self, text):
        end = time.monotonic() + PATIENCE_S
        while self.echo.heard != text and time.monotonic() < end:
            time.sleep(0.01)
        self.assertEqual(text, self.echo.heard)

    def test_open(self):
        s = self.connect()
        self.says_back(s)
        self.says_back(s, b"x" * 500000)
        s.shutdown(socket.SHUT_WR)
        self.assertEqual(b"", s.recv(1))
        self.assertEqual(self.at, self.net.way("x", "127.0.0.1", 1))

    def test_refuse(self):
        s = self.connect()
        self.says_back(s)
        self.net.fault("x", "refuse")
        self.is_reset(s)
        self.assertRaises(ConnectionRefusedError, socket.create_connection, self.at, 5)
        self.net.fault("x", "open")
        self.says_back(self.connect())

    def test_reset(self):
        s = self.connect()
        self.says_back(s)
        self.net.fault("*", "reset")
        self.is_reset(s)
        self.is_reset(self.connect())

    def test_hole(self):
        s = self.connect()
        self.says_back(s)
        self.net.fault("x", "hole")
        self.silent(s)
        fresh = self.connect()
        self.silent(fresh)
        self.net.fault("x", "open")
        self.is_reset(s)
        self.is_reset(fresh)
        self.assertEqual(b"hello", self.echo.heard)
        self.says_back(self.connect())

    def test_deaf_and_mute(self):
        s = self.connect()
        self.says_back(s, b"1")
        self.net.fault("x", "deaf")
        self.silent(s, b"2")
        self.heard(b"12")
        self.net.fault("x", "mute")
        self.is_reset(s)
        s = self.connect()
        self.silent(s, b"3")
        self.heard(b"12")

    def test_delay(self):
        self.net.fault("x", "delay=200")
        s = self.connect()
        self.says_back(s)
        began = time.monotonic()
        self.says_back(s)
        self.assertGreater(time.monotonic() - began, 0.39)

    def test_lossy(self):
        self.net.fault("x", "lossy=30")
        lost = 0
        for _ in range(100):
            try:    # it may be lost as early as while it connects
                s = self.connect()
                self.says_back(s)
                s.close()
            except (OSError, AssertionError):
                lost += 1
        self.assertTrue(15 <= lost <= 45, lost)

    def test_datagrams(self):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(s.close)
        s.connect(self.at)
        for state, arrives in [("open", True), ("hole", False), ("deaf", False),
                               ("refuse", False), ("delay=50", True), ("open", True)]:
            self.net.fault("x", state)
            s.send(state.encode())
            s.settimeout(PATIENCE_S if arrives else 0.3)
            if arrives:
                self.assertEqual(state.encode(), s.recv(100))
            else:
                self.assertRaises(TimeoutError, s.recv, 100)

    def test_several(self):
        other = self.net.way("y", "127.0.0.1", self.echo.port)
        self.net.fault(["x"], "refuse")
        with socket.create_connection(other, PATIENCE_S) as s:
            s.settimeout(PATIENCE_S)
            self.says_back(s)
        self.assertRaises(AssertionError, self.net.fault, "z", "open")


if __name__ == "__main__":
    unittest.main()
