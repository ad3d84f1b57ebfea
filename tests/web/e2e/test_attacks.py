"""Hostile clients, each with a well-behaved one beside it that must be served within two seconds,
and a server that must stay small. The rows of the table are the methods of Attacks."""

import fcntl
import os
import re
import socket
import struct
import termios
import threading
import time
import unittest

import httpd
from httpd import form, post, status_of

HOST = b"Host: localhost\r\nConnection: close\r\n"  # kept ones: test_kept.py
IMAGE = httpd.png(60, 40)


def all_read(wire, seconds=5):
    """Waits until what was sent has reached the other side."""

    def queued():
        answer = fcntl.ioctl(wire, termios.TIOCOUTQ, struct.pack("i", 0))
        return struct.unpack("i", answer)[0]

    httpd.wait_until(lambda: queued() == 0, seconds, "the bytes' arrival")


def endless(first, again, at_most):
    yield first
    for _ in range(at_most // len(again)):
        yield again


class Attacks(httpd.Case):
    options = ("--max-body", "8MiB", "--head-timeout", "2s", "--slow-grace", "3s")

    def setUp(self):
        super().setUp()
        self.good = httpd.WellBehaved(self.httpd)

    def refused(self, status, *pieces):
        """The server says so, says nothing a client sent, and keeps nothing."""
        answer = self.httpd.raw(*pieces)
        self.assertEqual(status_of(answer), status, answer[:300])
        self.assertEqual(len(re.findall(rb"HTTP/1\.1 \d{3} ", answer)), 1, "one request, one answer")
        return answer

    def test_a_body_without_length(self):
        with self.good:
            head = b"POST /v1/jobs HTTP/1.1\r\n" + HOST
            self.refused(411, head + b"\r\n" + form(IMAGE))
            self.refused(411, head + b"Connection: close\r\n\r\n")

    def test_an_endless_chunked_body(self):
        first = (b"POST /v1/jobs HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
                 b"10000\r\n" + IMAGE[:60].ljust(0x10000, b"x") + b"\r\n")
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        with self.good:
            self.refused(413, *endless(first, chunk, 16 << 20))
        self.assertEqual(self.files_in_tmp(), [])

    def test_broken_chunked_bodies(self):
        head = b"POST /v1/jobs HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
        with self.good:
            for body in (b"-2\r\nab", b"0x5\r\nhello\r\n", b"5\r\nhello!\r\n", b"\r\n", b"zz\r\n",
                         b"1;" + b"x" * 100000):
                self.refused(400, head + body)

    def test_a_gzip_bomb(self):
        with self.good:
            for coding in ("gzip", "deflate", "br", "x-gzip", "identity, gzip"):
                self.refused(415, post("/v1/jobs", b"\x1f\x8b" * 1000, f"Content-Encoding: {coding}"))

    def test_two_hundred_thousand_headers(self):
        with self.good:
            many = endless(b"GET / HTTP/1.1\r\n" + HOST, b"x-%d: y\r\n" * 1000 % tuple(range(1000)),
                           200 * 9000)
            self.refused(431, *many)

    def test_a_header_line_of_100_megabytes(self):
        with self.good:
            line = endless(b"GET / HTTP/1.1\r\n" + HOST + b"x: ", b"y" * 65536, 100 << 20)
            self.refused(431, *line)
            self.refused(431, *endless(b"GET /", b"a" * 65536, 100 << 20))

    def test_a_long_target(self):
        with self.good:
            for status, path in ((404, b"a" * 8000), (404, b"a/" * 4000), (404, b"%61" * 2600),
                                 (200, b"/" * 8000), (200, b"?" + b"a=b&" * 2000)):
                self.refused(status, b"GET /" + path + b" HTTP/1.1\r\n" + HOST + b"\r\n")
            self.refused(414, b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n")

    def test_two_lengths(self):
        body = form(IMAGE)
        with self.good:
            self.refused(400, post("/v1/jobs", body, f"Content-Length: {len(body)}"))
            self.refused(400, post("/v1/jobs", body, "Content-Length: 5"))
            for length in ("abc", "-1", "+5", "5,5", "0x10", "", "99999999999999999999"):
                self.refused(400, post("/v1/jobs", body, length=length))

    def test_a_length_with_a_transfer_encoding(self):
        smuggled = b"0\r\n\r\nGET /metrics HTTP/1.1\r\n" + HOST + b"\r\n"
        with self.good:
            self.refused(400, post("/v1/jobs", smuggled, "Transfer-Encoding: chunked"))
            self.refused(400, post("/v1/jobs", IMAGE, "Transfer-Encoding: chunked", kind="image/png"))
            self.refused(501, b"POST /v1/jobs HTTP/1.1\r\n" + HOST
                         + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + smuggled)

    def test_a_second_request_in_the_first_ones_body(self):
        second = b"GET /metrics HTTP/1.1\r\n" + HOST + b"\r\n"
        with self.good:
            for first in (b"GET /heartbeat HTTP/1.1\r\n" + HOST + b"\r\n",
                          b"GET /heartbeat HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\n"):
                answer = self.refused(200, first + second)
                self.assertNotIn(b"imgq_", answer)

    def test_line_ends_in_values(self):
        ends = (b"a\rX-Evil: 1", b"a\nX-Evil: 1", b"a\r\n X-Evil: 1", b"a\0b", b"a\x01b", b"a\x7f\n")
        with self.good:
            for value in ends:
                self.refused(400, b"GET / HTTP/1.1\r\n" + HOST + b"X-A: " + value + b"\r\n\r\n")
            for target in (b"/queryFileStatus/%0d%0aX-Evil:%201", b"/v1/jobs/%0d%0aX-Evil:%201",
                           b"/?taken=%0d%0aX-Evil:%201", b"/result/%0d%0aX-Evil:%201?download=%0d%0a"):
                answer = self.httpd.raw(b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"\r\n")
                self.assertNotIn(b"x-evil", httpd.header_names(answer))
            name = form(IMAGE, filename='a\r\nX-Evil: 1')
            self.refused(400, post("/v1/jobs", name))
            encoded = post("/v1/jobs?filename=%0d%0aX-Evil:%201", IMAGE, kind="image/png")
            answer = self.refused(202, encoded)
            self.assertNotIn(b"x-evil", httpd.header_names(answer))
            self.assertNotIn(b"\nX-Evil", answer)

    def test_a_spoofed_address_changes_nothing(self):
        with self.good:
            self.refused(200, b"GET /heartbeat HTTP/1.1\r\n" + HOST + b"REMOTE_ADDR: 9.9.9.9\r\n"
                         b"LOCAL_PORT: 1\r\n\r\n")

    def test_slow_heads(self):
        with self.good, httpd.all_closed([self.httpd.connect() for _ in range(60)]) as wires:
            began = time.monotonic()
            for wire in wires:
                wire.sendall(b"GET /heartbeat HTTP/1.1\r\nX")
            open_wires = list(wires)
            while open_wires:
                self.assertLess(time.monotonic() - began, 15, "slow heads are cut off")
                for wire in list(open_wires):
                    try:
                        wire.sendall(b"x")
                        if wire.recv(65536, socket.MSG_DONTWAIT):
                            open_wires.remove(wire)
                    except BlockingIOError:
                        pass
                    except OSError:
                        open_wires.remove(wire)
                time.sleep(0.2)  # the attack's pace, not a wait for anything

    def test_slow_bodies(self):
        with self.good, httpd.all_closed([self.httpd.connect() for _ in range(100)]) as wires:
            began = time.monotonic()
            body = form(IMAGE)
            for wire in wires:
                wire.sendall(post("/v1/jobs", body[:200], length=len(body)))
            open_wires = list(wires)
            while open_wires:
                self.assertLess(time.monotonic() - began, 25, "slow bodies are cut off")
                for wire in list(open_wires):
                    try:
                        wire.sendall(b"x")
                        if said := wire.recv(65536, socket.MSG_DONTWAIT):
                            self.assertEqual(status_of(said), 408)
                            open_wires.remove(wire)
                    except BlockingIOError:
                        pass
                    except OSError:
                        open_wires.remove(wire)
                time.sleep(0.2)  # the attack's pace
        self.assertEqual(self.files_in_tmp(), [])

    def test_clients_that_do_not_read(self):
        result = self.completed_job(2 << 20)
        ask = b"GET /result/" + result + b" HTTP/1.1\r\n" + HOST + b"\r\n"
        with self.good, httpd.all_closed([self.httpd.connect() for _ in range(100)]) as wires:
            for wire in wires:
                wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                wire.sendall(ask)
            httpd.wait_until(lambda: self.httpd.threads() < 50, 30, "the end of slow readers")

    def completed_job(self, size):
        """A job whose result has so many bytes, made with the spool's own tools."""
        imgqd = httpd.Program(httpd.BIN / "imgqd", "--spool", self.httpd.spool, "--workers", "1")
        try:
            noise = httpd.png(1500, 900)
            answer = self.httpd.raw(post("/v1/jobs?size=4000x4000&enlarge=true&format=png", noise,
                                         kind="image/png"))
            job = answer.split(b'"id":"')[1][:36]
            httpd.wait_until(lambda: status_of(self.httpd.raw(
                b"GET /result/" + job + b" HTTP/1.1\r\n" + HOST + b"\r\n")) == 200, 60, "the result")
            return job
        finally:
            imgqd.end()

    def test_five_hundred_idle_connections(self):
        with httpd.all_closed([self.httpd.connect() for _ in range(500)]):
            with self.good:
                pass

    def test_more_idle_connections_than_are_served(self):
        with httpd.all_closed([self.httpd.connect() for _ in range(700)]):
            with self.good:
                pass

    def test_idle_connections_are_closed(self):
        with self.good, httpd.all_closed([self.httpd.connect() for _ in range(20)]) as wires:
            for wire in wires:
                self.assertEqual(httpd.read_all(wire), b"")

    def test_connections_opened_and_dropped(self):
        with self.good:
            for _ in range(2000):
                self.httpd.connect().close()

    def test_a_boundary_split_at_every_byte(self):
        body = form(IMAGE)
        whole = post("/uploadFile", body)
        start = len(whole) - len(body)
        cuts = list(range(start, start + 160)) + list(range(len(whole) - 30, len(whole)))
        with self.good:
            for cut in cuts:
                with self.httpd.connect() as wire:
                    wire.sendall(whole[:cut])
                    all_read(wire)
                    wire.sendall(whole[cut:])
                    self.assertEqual(status_of(httpd.read_all(wire)), 200, cut)

    def test_a_missing_last_boundary(self):
        body = form(IMAGE)
        with self.good:
            for cut in (len(body) - 4, len(body) - 10, len(body) - 30, 300, 60, 20):
                self.refused(400, post("/v1/jobs", body[:cut]))
        self.assertEqual(self.files_in_tmp(), [])

    def test_a_body_cut_short(self):
        with self.good:
            with self.httpd.connect() as wire:
                wire.sendall(post("/v1/jobs", form(IMAGE)[:500], length=5000))
                wire.shutdown(socket.SHUT_WR)
                self.assertEqual(status_of(httpd.read_all(wire)), 400)
        httpd.wait_until(lambda: self.files_in_tmp() == [], what="the end of what was half sent")

    def test_hostile_forms(self):
        long_name = form(IMAGE, filename="a" * 9000)
        parts = b"".join(form(b"", name=f"n{i}")[:-len("--XBOUNDARYX--\r\n")] for i in range(70))
        with self.good:
            for body in (long_name, parts + b"--XBOUNDARYX--", b"--XBOUNDARYX\r\n" * 1000,
                         b"\r\n" * 100000, b"--XBOUNDARYX\r\n\r\n\r\n--XBOUNDARYX--"):
                self.assertEqual(status_of(self.httpd.raw(post("/v1/jobs", body))), 400)
            for kind in ("multipart/form-data", "multipart/form-data; boundary=",
                         "multipart/form-data; boundary=" + "b" * 3000, "multipart/mixed; boundary=x"):
                self.refused(400, post("/v1/jobs", form(IMAGE), kind=kind))

    def test_ways_out_of_the_spool(self):
        secrets = ("/etc/passwd", "/../../../../etc/passwd", "/..%2f..%2fetc/passwd",
                   "/%2e%2e/%2e%2e/etc/passwd", "/result/..%2f..%2fformat", "/result/../format",
                   "/v1/jobs/..%00/results/x", "/result/%00", "/v1/jobs/....//results/../../format",
                   "/result/01234567-89ab-7def-8123-456789abcdef/..%2f..%2f..%2fformat",
                   "/page.css/../../format", "//etc/passwd", "/jobs/..", "/tmp", "/format")
        with self.good:
            for target in secrets:
                answer = self.httpd.raw(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
                self.assertIn(status_of(answer), (400, 404), target)
                self.assertNotIn(b"root:", answer)
                self.assertNotIn(b"imgq spool", answer)
            answer = self.refused(202, post("/v1/jobs", form(IMAGE, filename="../../../evil.png")))
            self.assertIn(b'"name":"evil.png"', answer)
        found = [name for _, _, names in os.walk(self.directory) for name in names if "evil" in name]
        self.assertEqual(found, [])

    def test_ranges(self):
        with self.good:
            for value in ("bytes=0-0", "bytes=99999999999-", "bytes=-1", "bytes=" + "0-1," * 1000,
                          "bytes=" + "9" * 4000 + "-"):
                answer = self.refused(200, b"GET /page.css HTTP/1.1\r\n" + HOST
                                      + f"Range: {value}\r\n\r\n".encode())
                self.assertNotIn(b"content-range", httpd.header_names(answer))
                body = answer.split(b"\r\n\r\n", 1)[1]
                self.assertIn(f"Content-Length: {len(body)}\r\n".encode(), answer)

    def test_unknown_methods(self):
        with self.good:
            for method in (b"BREW", b"get", b"A" * 33):
                self.refused(400, method + b" / HTTP/1.1\r\n" + HOST + b"\r\n")
            for method in (b"PUT", b"PATCH", b"DELETE", b"TRACE", b"CONNECT", b"PRI"):
                self.refused(405, method + b" / HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\n\r\n")
            for line in (b"PRI * HTTP/2.0", b"GET / HTTP/9.9", b"GET /", b"GET  HTTP/1.1",
                         b" / HTTP/1.1", b"GET / HTTP/1", b"GET / http/1.1", b"GET / / HTTP/1.1", b""):
                self.refused(400, line + b"\r\n" + HOST + b"\r\n")

    def test_fields_that_the_library_would_act_on(self):
        with self.good:
            for field in (b"Accept: ;q=2,,", b"Accept-Encoding: gzip, br", b"Connection: keep-alive",
                          b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                          b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", b"If-Range: x"):
                answer = self.refused(200, b"GET /page.css HTTP/1.1\r\n" + HOST + field + b"\r\n\r\n")
                self.assertIn(b"Connection: close\r\n", answer)
                self.assertNotIn(b"content-encoding", httpd.header_names(answer))

    def test_a_form_that_the_library_would_read_itself(self):
        with self.good:
            for kind in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=X"):
                body = b"--X\r\nstate=none&limit=0\r\n--X--\r\n"
                self.refused(415 if kind[0] == "a" else 400, post("/v1/jobs", body, kind=kind))
                self.refused(405, post("/v1/events", body, kind=kind))

    def test_noise(self):
        with self.good:
            for i in range(200):
                noise = os.urandom(i * 20 + 1)
                answer = self.httpd.raw(noise + b"\r\n\r\n")
                self.assertEqual(status_of(answer) if answer else 400, 400)

    def test_event_streams_without_end(self):
        ask = b"GET /v1/events HTTP/1.1\r\n" + HOST + b"\r\n"
        with self.good, httpd.all_closed([self.httpd.connect() for _ in range(100)]) as wires:
            statuses = []
            for wire in wires:
                wire.sendall(ask)
            for wire in wires:
                statuses.append(status_of(wire.recv(12)))
            self.assertEqual(statuses.count(200), 64)
            self.assertEqual(statuses.count(503), 36)

        def room_again():
            with self.httpd.connect() as wire:
                wire.sendall(ask)
                return status_of(wire.recv(12)) == 200

        httpd.wait_until(room_again, 20, "an end of the dead streams")

    def test_long_polls_without_end(self):
        job = self.httpd.raw(post("/v1/jobs", form(IMAGE))).split(b'"id":"')[1][:36]
        ask = b"GET /v1/jobs/" + job + b"?wait=60 HTTP/1.1\r\n" + HOST + b"\r\n"
        with self.good, httpd.all_closed([self.httpd.connect() for _ in range(300)]) as wires:
            for wire in wires:
                wire.sendall(ask)
            answered = threading.Semaphore(0)

            def read(wire):
                wire.settimeout(20)
                try:
                    if status_of(httpd.read_all(wire)) == 200:
                        answered.release()
                except (OSError, AssertionError):
                    pass

            readers = [threading.Thread(target=read, args=(wire,)) for wire in wires]
            for reader in readers:
                reader.start()
            for _ in range(300 - 64):  # all but those who may wait are answered at once
                self.assertTrue(answered.acquire(timeout=20))
            for wire in wires:
                wire.shutdown(socket.SHUT_RDWR)
            for reader in readers:
                reader.join()
            httpd.wait_until(lambda: self.httpd.threads() < 50, 20, "the end of those who left")


if __name__ == "__main__":
    unittest.main()
