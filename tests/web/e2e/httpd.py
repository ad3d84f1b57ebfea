"""Starts imgq-httpd and imgqd on a spool of their own, and looks at them from outside."""

import atexit
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
import unittest
import zlib

BIN = pathlib.Path(os.environ.get("IMGQ_BIN", "build/bin")).resolve()
SANITIZED = os.environ.get("IMGQ_SANITIZED") == "1"
MEMORY_LIMIT = 64 * 1024 * 1024

# Where the programs remember spools: not the user's own.
STATE = tempfile.mkdtemp(prefix="imgq-state-")
os.environ["XDG_STATE_HOME"] = STATE
atexit.register(shutil.rmtree, STATE, ignore_errors=True)


def wait_until(question, seconds=20, what="the event"):
    """Asks until the answer is true; returns it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = question()
        if answer:
            return answer
        time.sleep(0.02)
    raise AssertionError(f"{what} has not come within {seconds} s")


def png(width, height):
    """A PNG of a soft gradient, without any library."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    rows = b"".join(
        b"\0" + bytes(v for x in range(width) for v in (x * 255 // width, y * 255 // height, 128))
        for y in range(height)
    )
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows, 1))
        + chunk(b"IEND", b"")
    )


def size_of_jpeg(data):
    """Width and height from a JPEG's frame header."""
    assert data[:2] == b"\xff\xd8", "no JPEG"
    at = 2
    while at < len(data):
        marker, length = data[at + 1], struct.unpack(">H", data[at + 2 : at + 4])[0]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + length
    raise AssertionError("no frame in the JPEG")


class Program:
    """A running program; ended by its id when the test is over."""

    def __init__(self, *command, **settings):
        self.process = subprocess.Popen([str(word) for word in command], text=True, **settings)

    def end(self, by=signal.SIGTERM, seconds=20):
        if self.process.poll() is None:
            self.process.send_signal(by)
        try:
            return self.process.wait(seconds)
        finally:
            if self.process.poll() is None:
                self.process.kill()
            for pipe in (self.process.stdout, self.process.stderr):
                if pipe:
                    pipe.close()

    def peak_bytes(self):
        """The most memory it has had so far."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmHWM")

    def threads(self):
        return len(os.listdir(f"/proc/{self.process.pid}/task"))


class Httpd(Program):
    def __init__(self, directory, *options, listen="127.0.0.1:0", **settings):
        self.spool = pathlib.Path(directory) / "spool"
        super().__init__(
            BIN / "imgq-httpd", "--spool", self.spool, "--create", "--listen", listen, *options,
            stdout=subprocess.PIPE, **settings,
        )
        self.url = self.process.stdout.readline().strip().rstrip("/")
        if self.url.startswith("http://"):
            self.host, _, port = self.url[7:].rpartition(":")
            self.port = int(port)

    def connect(self, seconds=20):
        made = socket.create_connection((self.host, self.port), timeout=seconds)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def raw(self, *pieces, seconds=20):
        """Sends bytes as they are; returns the whole answer."""
        with self.connect(seconds) as wire:
            for piece in pieces:
                try:
                    wire.sendall(piece)
                except (BrokenPipeError, ConnectionResetError):
                    break  # refused before all was sent: what was said is still there
            return read_all(wire)


def read_all(wire):
    answer = b""
    while True:
        try:
            piece = wire.recv(65536)
        except ConnectionResetError:
            return answer
        if not piece:
            return answer
        answer += piece


def status_of(answer):
    if not answer.startswith(b"HTTP/1.1 "):
        raise AssertionError(f"no HTTP answer: {answer[:200]!r}")
    return int(answer[9:12])


def header_names(answer):
    head = answer.split(b"\r\n\r\n", 1)[0]
    return [line.split(b":", 1)[0].lower() for line in head.split(b"\r\n")[1:]]


def form(data, name="file", filename="a.png", boundary="XBOUNDARYX"):
    return (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
        f"Content-Type: application/octet-stream\r\n\r\n"
    ).encode() + data + f"\r\n--{boundary}--\r\n".encode()


def post(path, body, *fields, length=None, kind="multipart/form-data; boundary=XBOUNDARYX", close=True):
    head = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Type: {kind}"]
    head += ["Connection: close"] if close else []
    head += [f"Content-Length: {len(body) if length is None else length}", *fields]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


class WellBehaved:
    """A client that keeps to the rules while others do not: is it served, and how soon?"""

    LIMIT = 10.0 if SANITIZED else 2.0

    def __init__(self, httpd):
        self.httpd = httpd
        self.image = png(60, 40)
        self.worst, self.served, self.wrong = 0.0, 0, []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def once(self):
        began = time.monotonic()
        beat = self.httpd.raw(b"GET /heartbeat HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        sent = self.httpd.raw(post("/uploadFile", form(self.image)))
        self.worst = max(self.worst, (time.monotonic() - began) / 2)
        if status_of(beat) != 200 or status_of(sent) != 200:
            self.wrong.append((beat, sent))
        self.served += 1

    def run(self):
        while not self.over.wait(0.1):
            try:
                self.once()
            except (OSError, AssertionError) as error:
                self.wrong.append(error)

    def __enter__(self):
        self.once()  # it works before the others come
        self.thread.start()
        return self

    def __exit__(self, *failure):
        seen = self.served
        if not failure[0]:
            wait_until(lambda: self.served > seen + 1 or self.wrong, what="the good client's turn")
        self.over.set()
        self.thread.join()
        if not failure[0]:
            assert not self.wrong, self.wrong[:3]
            assert self.worst < self.LIMIT, f"a good client waited {self.worst:.2f} s"


class Case(unittest.TestCase):
    """A test with a server of its own, whose memory is looked at when it is over."""

    options = ()
    with_daemon = False

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="imgq-e2e-", dir=os.environ.get("TMPDIR", "/tmp"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.httpd = Httpd(self.directory, *self.options)
        self.addCleanup(self.httpd.end)
        self.addCleanup(self.look_at_memory)
        if self.with_daemon:
            self.imgqd = Program(BIN / "imgqd", "--spool", self.httpd.spool, "--workers", "1")
            self.addCleanup(self.imgqd.end)

    def look_at_memory(self):
        if not SANITIZED and self.httpd.process.poll() is None:
            self.assertLess(self.httpd.peak_bytes(), MEMORY_LIMIT)

    def files_in_tmp(self):
        """Less the locks by which writers show that they live."""
        names = os.listdir(self.httpd.spool / "tmp")
        return [name for name in names if name[8:16] != "0" * 8]


@contextlib.contextmanager
def all_closed(wires):
    try:
        yield wires
    finally:
        for wire in wires:
            wire.close()
