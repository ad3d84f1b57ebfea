"""Connections that carry more than one request: each of them passes the guards, none is taken out of
another's bytes, and those that are idle keep nobody out."""

import json
import re
import select
import signal
import socket
import unittest

import httpd
from httpd import form, post, status_of

IMAGE = httpd.png(60, 40)
HOST = b"Host: localhost\r\n"
BEAT = b"GET /heartbeat HTTP/1.1\r\n" + HOST + b"\r\n"
METRICS = b"GET /metrics HTTP/1.1\r\n" + HOST + b"\r\n"


class Kept:
    """A connection of which one reply is read after the other."""

    def __init__(self, server):
        self.wire = server.connect()
        self.replies = self.wire.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.replies.close()
        self.wire.close()

    def say(self, *pieces):
        for piece in pieces:
            self.wire.sendall(piece)

    def reply(self, of="GET"):
        """Status, header fields and body of the next reply."""
        status = status_of(self.replies.readline())
        fields = {}
        while (line := self.replies.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            fields[name.decode().lower()] = value.strip().decode()
        body = b"" if of == "HEAD" else self.replies.read(int(fields["content-length"]))
        return status, fields, body

    def ask(self, request, of="GET"):
        self.say(request)
        return self.reply(of)

    def is_closed(self):
        """The server has nothing more to say, and has said so."""
        try:
            return self.replies.read(1) == b""
        except ConnectionResetError:
            return True


class Polling(httpd.Case):
    with_daemon = True

    def test_a_job_is_submitted_and_followed_on_one_connection(self):
        with Kept(self.httpd) as kept:
            status, fields, body = kept.ask(post("/v1/jobs", form(IMAGE), close=False))
            self.assertEqual((status, fields["connection"]), (202, "keep-alive"))
            self.assertEqual(fields["keep-alive"], "timeout=20")
            job = json.loads(body)["id"].encode()
            polls = 0
            while (status := kept.ask(b"GET /result/" + job + b" HTTP/1.1\r\n" + HOST + b"\r\n")[0]) != 200:
                self.assertEqual(status, 409)
                polls += 1
                self.assertLess(polls, 90)
                kept.ask(b"GET /v1/jobs/" + job + b"?wait=1 HTTP/1.1\r\n" + HOST + b"\r\n")
            status, fields, body = kept.ask(b"HEAD /result/" + job + b" HTTP/1.1\r\n" + HOST + b"\r\n", "HEAD")
            self.assertEqual(status, 200)
            got = kept.ask(b"GET /result/" + job + b" HTTP/1.1\r\n" + HOST + b"\r\n")[2]
            self.assertEqual(len(got), int(fields["content-length"]))
            status, fields, body = kept.ask(b"GET /result/" + job + b" HTTP/1.1\r\n" + HOST
                                            + b"If-None-Match: *\r\n\r\n")
            self.assertEqual((status, body), (304, b""))
            again = b"POST /v1/jobs/" + job + b"/retry HTTP/1.1\r\n" + HOST + b"\r\n"
            self.assertEqual([kept.ask(again)[0], kept.ask(again)[0]], [409, 409])  # without a body
            purge = b"DELETE /v1/jobs/" + job + b"?purge=true HTTP/1.1\r\n" + HOST + b"\r\n"
            self.assertEqual(kept.ask(purge)[0], 200)

    def test_replies_to_requests_sent_at_once_come_in_their_order(self):
        chunked = (b"POST /v1/jobs HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
                   + b"%x\r\n" % len(IMAGE) + IMAGE + b"\r\n0\r\n\r\n")
        sent = [BEAT, post("/v1/jobs", form(IMAGE), close=False), b"\r\n" + METRICS, chunked,
                b"GET /nothing HTTP/1.1\r\n" + HOST + b"\r\n", BEAT]
        whole = b"".join(sent)
        cuts = range(0, len(whole), 211)
        for pieces in ([whole], sent, [whole[at:at + 211] for at in cuts]):
            with Kept(self.httpd) as kept:
                kept.say(*pieces)
                self.assertEqual([kept.reply()[0] for _ in sent], [200, 202, 200, 202, 404, 200])


class Ends(httpd.Case):
    options = ("--idle-timeout", "1s", "--head-timeout", "2s")

    def closed_after(self, request, status=200):
        with Kept(self.httpd) as kept:
            kept.say(request)
            said, fields, _ = kept.reply()
            self.assertEqual((said, fields["connection"]), (status, "close"), request)
            self.assertNotIn("keep-alive", fields)
            self.assertTrue(kept.is_closed(), request)

    def test_who_says_close_is_closed(self):
        for field in (b"Connection: close", b"connection: Keep-Alive ,CLOSE",
                      b"Connection: keep-alive\r\nConnection: x, close"):
            self.closed_after(BEAT[:-2] + field + b"\r\n\r\n")
        self.closed_after(b"GET /heartbeat HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")

    def test_a_hundred_requests_are_served_and_no_more(self):
        with Kept(self.httpd) as kept:
            kept.say(BEAT * 120)
            said = [kept.reply()[1]["connection"] for _ in range(100)]
            self.assertEqual(said, ["keep-alive"] * 99 + ["close"])
            self.assertTrue(kept.is_closed())

    def test_who_is_idle_is_closed_and_told_nothing(self):
        with Kept(self.httpd) as kept:
            kept.ask(BEAT)
            self.assertTrue(kept.is_closed())

    def test_a_second_head_that_does_not_come_is_408(self):
        with Kept(self.httpd) as kept:
            kept.ask(BEAT)
            kept.say(BEAT[:-2])
            self.assertEqual(kept.reply()[0], 408)
            self.assertTrue(kept.is_closed())

    def test_a_stream_is_a_connections_last(self):
        with Kept(self.httpd) as kept:
            kept.say(BEAT + b"GET /v1/events HTTP/1.1\r\n" + HOST + b"\r\n" + METRICS)
            kept.reply()
            self.assertEqual(status_of(kept.replies.readline()), 200)
            head = b""
            while (line := kept.replies.readline()) != b"\r\n":
                head += line.lower()
            self.assertIn(b"connection: close\r\n", head)

    def test_idle_connections_do_not_hold_up_the_end(self):
        with Kept(self.httpd) as one, Kept(self.httpd) as other:
            one.ask(BEAT)
            other.ask(BEAT)
            self.httpd.process.send_signal(signal.SIGTERM)
            self.assertEqual(self.httpd.process.wait(5), 0)
            self.assertTrue(one.is_closed())
            self.assertTrue(other.is_closed())


class OneRequest(httpd.Case):
    options = ("--idle-timeout", "0s")

    def test_there_is_one_where_no_time_is_given_for_another(self):
        with Kept(self.httpd) as kept:
            kept.say(BEAT + METRICS)
            self.assertEqual(kept.reply()[1]["connection"], "close")
            self.assertTrue(kept.is_closed())


class Smuggling(httpd.Case):
    """What is done to a request so that a part of it is taken for another, on a kept connection."""

    def answers(self, *pieces):
        """All that the server says, after which it has closed; how many replies that is."""
        with self.httpd.connect() as wire:
            for piece in pieces:
                try:
                    wire.sendall(piece)
                except (BrokenPipeError, ConnectionResetError):
                    break
            wire.shutdown(socket.SHUT_WR)
            said = httpd.read_all(wire)
        return said, [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", said)]

    def test_a_body_that_nobody_reads_is_no_request(self):
        for head, status in ((b"GET /heartbeat", 200), (b"DELETE /v1/jobs/42", 404), (b"HEAD /livez", 200),
                             (b"POST /nothing", 404), (b"POST /v1/jobs/42/retry", 404),
                             (b"OPTIONS /v1/jobs", 200), (b"PUT /v1/jobs", 405)):
            for framing in (b"Content-Length: %d\r\n\r\n" % len(METRICS),
                            b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(METRICS)):
                said, statuses = self.answers(head + b" HTTP/1.1\r\n" + HOST + framing + METRICS
                                              + b"\r\n0\r\n\r\n" + METRICS)
                self.assertEqual(statuses, [status], head + framing)
                self.assertIn(b"Connection: close\r\n", said)
                self.assertNotIn(b"imgq_http", said)

    def test_a_body_that_is_refused_in_its_middle_is_no_request(self):
        small, large = b"no image " + METRICS, b"no image " + METRICS * 3000
        for body, expected in ((small, [415, 200]), (large, [415])):  # the small one was read
            sent = post("/v1/jobs", body, kind="image/png", close=False) + METRICS
            self.assertEqual(self.answers(sent)[1], expected)

    def test_framing_that_can_be_read_in_two_ways_ends_the_connection(self):
        inner = b"0\r\n\r\n" + METRICS
        head = b"POST /v1/jobs HTTP/1.1\r\n" + HOST
        for framing, status in (
                (b"Content-Length: %d\r\nTransfer-Encoding: chunked" % len(inner), 400),
                (b"Transfer-Encoding: chunked\r\nContent-Length: 5", 400),
                (b"Content-Length: 5\r\nContent-Length: %d" % len(inner), 400),
                (b"Content-Length: 5, 5", 400), (b"Content-Length : 5", 400),
                (b"Content-Length: 5\r\n\tx", 400), (b"Content-Length: 0x5", 400),
                (b"Content-Length:5\nX: y", 400), (b"X: y\rContent-Length: 5", 400),
                (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", 501),
                (b"Transfer-Encoding: chunked, identity", 501), (b"Transfer-Encoding: xchunked", 501),
                (b"Transfer-Encoding:\x0bchunked", 400), (b"Transfer-Encoding : chunked", 400)):
            said, statuses = self.answers(BEAT + head + framing + b"\r\n\r\n" + inner + METRICS)
            self.assertEqual(statuses, [200, status], framing)
            self.assertNotIn(b"imgq_http", said)

    def test_chunks_that_can_be_read_in_two_ways_end_the_connection(self):
        head = b"POST /v1/jobs HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
        whole = b"%x\r\n%s\r\n" % (len(IMAGE), IMAGE)
        for body in (b"0\n\r\n", b"0\r\n\n", b"0\r\nX: y\r\n\r\n", b"0;a\nb\r\n\r\n", b"0;a\rb\r\n\r\n",
                     b"0 5\r\n\r\n", b"0x0\r\n\r\n", b"-0\r\n\r\n", b"+0\r\n\r\n", b"0;\x00\r\n\r\n",
                     b"00000000000000000\r\n\r\n"):
            said, statuses = self.answers(BEAT + head + whole + body + METRICS)
            self.assertEqual(statuses, [200, 400], body)
            self.assertNotIn(b"imgq_http", said)

    def test_a_body_is_as_long_as_it_says(self):
        for extra, after in ((b"", [202, 200]), (b"\r\n", [202, 200]), (b"x", [202, 400]),
                             (b"\r\n\r\n", [202, 400]), (b"\n", [202, 400])):
            statuses = self.answers(post("/v1/jobs", form(IMAGE), close=False) + extra + METRICS)[1]
            self.assertEqual(statuses, after, extra)

    def test_each_request_passes_the_guard(self):
        for second, status in (
                (b"GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
                (b"GET /metrics HTTP/1.1\r\n\r\n", 400), (b"GET /metrics\r\n" + HOST + b"\r\n", 400),
                (b"GET /metrics HTTP/1.1\r\n" + HOST + HOST + b"\r\n", 400),
                (b"GET /metrics HTTP/1.1\r\n" + HOST + b"x: a\x01\r\n\r\n", 400),
                (b"GET /metrics HTTP/1.1\r\n" + HOST + b"x: y\r\n" * 200 + b"\r\n", 431),
                (b"GET /metrics HTTP/1.1\r\n" + HOST + b"x: " + b"y" * 40000 + b"\r\n\r\n", 431),
                (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
                (post("/v1/jobs", form(IMAGE), "Origin: http://evil.example", close=False), 403),
                (post("/v1/jobs", b"", length=1 << 40, kind="image/png", close=False), 413),
                (b"BREW / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
                (b"PUT / HTTP/1.1\r\n" + HOST + b"\r\n", 405),
                (b"CONNECT / HTTP/1.1\r\n" + HOST + b"\r\n", 405)):
            statuses = self.answers(BEAT + second)[1]
            self.assertEqual(statuses, [200, status], second[:100])

    def test_after_a_refusal_nothing_more_is_read(self):
        for first in (b"BREW / HTTP/1.1\r\n" + HOST + b"\r\n", b"GET / HTTP/1.1\r\n\r\n",
                      b"PUT / HTTP/1.1\r\n" + HOST + b"\r\n", b"CONNECT / HTTP/1.1\r\n" + HOST + b"\r\n",
                      b"GET / HTTP/9.9\r\n" + HOST + b"\r\n"):
            said, statuses = self.answers(first + METRICS)
            self.assertEqual(len(statuses), 1, first)
            self.assertIn(b"Connection: close\r\n", said)


class Token(httpd.Case):
    """A request that shows the token opens nothing for the one after it."""

    def setUp(self):
        super().setUp()
        self.httpd.end()
        token = f"{self.directory}/token"
        with open(token, "w", encoding="utf-8") as file:
            file.write("0123456789abcdef\n")
        self.httpd = httpd.Httpd(self.directory, "--token-file", token)
        self.addCleanup(self.httpd.end)

    def test_each_request_shows_it_anew(self):
        shown = METRICS[:-2] + b"Authorization: Bearer 0123456789abcdef\r\n\r\n"
        with Kept(self.httpd) as kept:
            kept.say(shown + METRICS + shown + METRICS)
            self.assertEqual([kept.reply()[0] for _ in range(4)], [200, 401, 200, 401])


class Slots(httpd.Case):
    """Who is idle between two requests keeps nobody out, however few are served."""

    options = ("--max-connections", "4", "--idle-timeout", "1h", "--head-timeout", "1h")

    def test_idle_connections_make_room_at_once(self):
        kept = [Kept(self.httpd) for _ in range(40)]
        with httpd.all_closed([one.wire for one in kept]):
            for one in kept:
                self.assertEqual(one.ask(BEAT)[0], 200)
            with httpd.WellBehaved(self.httpd):
                pass
            # Which four stay is open: those that fell idle in one millisecond are alike.
            closed, waiting = 0, [one.wire for one in kept]
            while closed < 36:
                told = select.select(waiting, [], [], 30)[0]
                self.assertTrue(told, f"{closed} of 40 were closed")
                waiting = [wire for wire in waiting if wire not in told]
                closed += len(told)
            for one in kept:
                self.assertTrue(one.wire in waiting or one.is_closed())

    def test_one_that_asks_again_and_again_is_served_among_idle_ones(self):
        idle = [Kept(self.httpd) for _ in range(3)]
        with httpd.all_closed([one.wire for one in idle]), Kept(self.httpd) as asking:
            for one in idle:
                one.ask(BEAT)
            for _ in range(50):
                self.assertEqual(asking.ask(BEAT)[0], 200)
            for one in idle:  # nobody waited, so nobody was closed
                self.assertEqual(one.ask(BEAT)[0], 200)

    def test_who_dawdles_with_a_second_head_is_dropped_for_who_asks(self):
        slow = [Kept(self.httpd) for _ in range(8)]
        with httpd.all_closed([one.wire for one in slow]):
            for one in slow:
                self.assertEqual(one.ask(BEAT)[0], 200)
                one.say(b"GET /heart")
            with httpd.WellBehaved(self.httpd):
                pass


if __name__ == "__main__":
    unittest.main()
