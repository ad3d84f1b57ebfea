"""The server as a program: where it listens, how it starts and ends, what it takes in, and whether
it does what its own description says."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import threading
import unittest

import jsonschema
import requests

import httpd
from httpd import form, post, status_of

IMAGE = httpd.png(60, 40)
LARGE = int(os.environ.get("IMGQ_LARGE_UPLOAD_MB", "300")) << 20
BEAT = b"GET /heartbeat HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def configuration(directory, text):
    path = pathlib.Path(directory) / "imgq.toml"
    path.write_text(text)
    return path


class LargeUploads(httpd.Case):
    """More than any image: the limit is lifted by the configuration."""

    def setUp(self):
        super().setUp()
        self.httpd.end()
        config = configuration(self.directory, '[limits]\nmax_file_bytes = "8GiB"\n'
                                                'max_upload_bytes = "8GiB"\n')
        self.httpd = httpd.Httpd(self.directory, "--config", config)
        self.addCleanup(self.httpd.end)

    def pieces(self):
        """A form with a file of LARGE bytes, never whole in memory."""
        head, tail = form(IMAGE).split(IMAGE)
        piece = b"\xa5\r\n--" * (1 << 18)
        yield head + IMAGE
        for _ in range(LARGE // len(piece)):
            yield piece
        yield tail

    def length(self):
        return sum(len(piece) for piece in self.pieces())

    def test_a_large_upload_costs_no_memory(self):
        with httpd.WellBehaved(self.httpd):
            answer = self.httpd.raw(post("/v1/jobs", b"", length=self.length()), *self.pieces(),
                                    seconds=120)
        self.assertEqual(status_of(answer), 202, answer[:500])
        job = json.loads(answer.split(b"\r\n\r\n", 1)[1])["id"]
        job = requests.get(f"{self.httpd.url}/v1/jobs/{job}", timeout=20).json()
        self.assertGreater(job["bytes"], LARGE - (2 << 20))
        if not httpd.SANITIZED:
            peak = self.httpd.peak_bytes()
            print(f"peak {peak >> 20} MiB for an upload of {LARGE >> 20} MiB")
            self.assertLess(peak, httpd.MEMORY_LIMIT)


class ParallelUploads(httpd.Case):
    def test_many_uploads_at_once_share_their_syncs_and_none_is_lost(self):
        ids, wrong = [], []

        def upload():
            for _ in range(10):
                reply = requests.post(self.httpd.url + "/v1/jobs", data=IMAGE, timeout=60)
                (ids if reply.status_code == 202 else wrong).append(reply.json().get("id"))

        threads = [threading.Thread(target=upload) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])
        self.assertEqual(len(set(ids)), 160)
        listed = requests.get(self.httpd.url + "/v1/jobs?state=staging&limit=500", timeout=20).json()
        self.assertEqual({job["id"] for job in listed["jobs"]}, set(ids))
        self.assertEqual(self.files_in_tmp(), [])

    def test_the_same_key_at_once_makes_one_job(self):
        places = []

        def upload():
            reply = requests.post(self.httpd.url + "/v1/jobs", data=IMAGE,
                                  headers={"Idempotency-Key": "one"}, timeout=60)
            places.append((reply.status_code, reply.headers.get("Location")))

        threads = [threading.Thread(target=upload) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual({status for status, _ in places}, {202})
        self.assertEqual(len(set(places)), 1)

    def test_two_servers_serve_one_spool(self):
        other = httpd.Httpd(self.directory)
        self.addCleanup(other.end)
        job = requests.post(self.httpd.url + "/v1/jobs", data=IMAGE, timeout=20).json()["id"]
        self.assertEqual(requests.get(f"{other.url}/v1/jobs/{job}", timeout=20).status_code, 200)
        self.httpd.end()
        self.assertEqual(requests.delete(f"{other.url}/v1/jobs/{job}", timeout=20).status_code, 200)


class Replies(httpd.Case):
    """How cpp-httplib of any release reads requests and writes replies, under our guards."""

    def test_the_head_of_a_reply_is_that_of_the_whole(self):
        def head(method, path):
            answer = self.httpd.raw(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            fields, body = answer.split(b"\r\n\r\n", 1)
            kept = [line for line in fields.split(b"\r\n") if not line.startswith(b"Date: ")]
            return sorted(kept), body

        for path in ("/page.css", "/nothing", "/heartbeat"):
            whole, body = head("GET", path)
            self.assertEqual(head("HEAD", path), (whole, b""), path)
            self.assertIn(f"Content-Length: {len(body)}".encode(), whole)
        self.assertEqual(head("HEAD", "/v1/events")[1], b"", "a stream is not begun")

    def test_chunks_split_anywhere_are_one_body(self):
        coded = b"".join(b"%x;a=b\r\n%s\r\n" % (len(piece), piece) for piece in
                         (IMAGE[:1], IMAGE[1:30], IMAGE[30:])) + b"0\r\n\r\n"
        head = (b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n")
        for pieces in ([head + coded], [head + coded[:5], coded[5:]],
                       [head[:-1], head[-1:] + coded[:1]] + [coded[i:i + 1] for i in range(1, len(coded))]):
            answer = self.httpd.raw(*pieces)
            self.assertEqual(status_of(answer), 202, answer[:300])
            self.assertIn(b'"state":"staging"', answer)
        for job in requests.get(self.httpd.url + "/v1/jobs", timeout=20).json()["jobs"]:
            self.assertEqual(job["bytes"], len(IMAGE))

    def test_a_client_that_waits_for_100_is_told_only_when_its_body_is_wanted(self):
        for path, length, said in (("/v1/jobs", len(IMAGE), 100), ("/v1/jobs", 1 << 40, 413),
                                   ("/v1/jobs?size=none", len(IMAGE), 400), ("/v1/nothing", 5, 404)):
            with self.httpd.connect() as wire:
                wire.sendall(post(path, b"", "Expect: 100-continue", length=length, kind="image/png"))
                self.assertEqual(status_of(wire.recv(12)), said, path)
                if said == 100:
                    wire.sendall(IMAGE)
                    self.assertIn(b"HTTP/1.1 202 ", httpd.read_all(wire))

    def test_a_reply_is_not_lost_to_a_reset_by_what_was_left_unread(self):
        with self.httpd.connect() as wire:
            wire.sendall(post("/v1/nothing", b"x" * (1 << 20)))
            answer = b""
            while piece := wire.recv(65536):
                answer += piece
            self.assertEqual(status_of(answer), 404)

    def test_values_come_as_they_were_sent(self):
        keys = ("a%41", "aA", "a%0d%0aX: y")
        places = {requests.post(self.httpd.url + "/v1/jobs", data=IMAGE, timeout=20, headers={
            "Idempotency-Key": key.replace(" ", "%20")}).headers["Location"] for key in keys}
        self.assertEqual(len(places), 3)
        name = requests.post(self.httpd.url + "/v1/jobs?filename=a=b?c+d.png", data=IMAGE, timeout=20)
        self.assertEqual(name.json()["name"], "a=b?c d.png")

    def test_what_a_proxy_is_sent_and_what_1_0_sends_is_answered(self):
        for ask in (b"GET http://localhost/heartbeat HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                    b"GET /heart%62eat HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                    b"GET /heartbeat HTTP/1.0\r\n\r\n"):
            answer = self.httpd.raw(ask)
            self.assertEqual(status_of(answer), 200, ask)
            self.assertTrue(answer.endswith(b'{"result":"beating"}'), ask)


class Starting(unittest.TestCase):
    def setUp(self):
        self.directory = httpd.tempfile.mkdtemp(prefix="imgq-e2e-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def start(self, *options, **more):
        started = httpd.Httpd(self.directory, *options, **more)
        self.addCleanup(started.end)
        return started

    def refused(self, *options, listen="127.0.0.1:0"):
        """Exit code and last words of a start that is refused."""
        done = subprocess.run(
            [httpd.BIN / "imgq-httpd", "--spool", f"{self.directory}/spool", "--listen", listen,
             *options],
            capture_output=True, text=True, timeout=20, check=False,
        )
        self.assertEqual(done.stderr.count("\n"), 1 + done.stderr.count("Try '"), done.stderr)
        return done.returncode, done.stderr

    def test_others_are_not_let_in_without_a_token(self):
        code, said = self.refused("--create", listen="0.0.0.0:0")
        self.assertEqual(code, 64)
        self.assertIn("--token-file", said)
        self.assertEqual(self.refused("--create", listen="[::]:0")[0], 64)

    def test_others_are_let_in_with_a_token_or_on_demand(self):
        token = pathlib.Path(self.directory) / "token"
        token.write_text("0123456789abcdef\n")
        guarded = self.start("--token-file", token, listen="0.0.0.0:0")
        url = f"http://127.0.0.1:{guarded.port}/v1/jobs"
        self.assertEqual(requests.get(url, timeout=20).status_code, 401)
        self.assertEqual(requests.get(url, auth=("any", "0123456789abcdef"), timeout=20).status_code, 200)
        bearer = {"Authorization": "Bearer 0123456789abcdef"}
        self.assertEqual(requests.get(url, headers=bearer, timeout=20).status_code, 200)
        self.start("--insecure", listen="0.0.0.0:0")

    def test_a_token_that_others_can_read_is_warned_of(self):
        token = pathlib.Path(self.directory) / "token"
        token.write_text("0123456789abcdef\n")
        for mode, warned in ((0o644, True), (0o640, False)):
            token.chmod(mode)
            with open(pathlib.Path(self.directory) / "said", "w+", encoding="utf-8") as said:
                self.start("--token-file", token, stderr=said).end()
                said.seek(0)
                self.assertEqual("others can read the token file" in said.read(), warned)

    def test_a_form_of_64_images_is_taken_however_few_connections_there_are(self):
        served = self.start("--max-connections", "4")
        images = [("file", (f"{n}.png", IMAGE)) for n in range(64)]
        reply = requests.post(served.url + "/v1/jobs", files=images, timeout=60)
        self.assertEqual(reply.status_code, 202, reply.text)
        self.assertEqual(len(reply.json()["jobs"]), 64)

    def test_bad_tokens_are_refused(self):
        token = pathlib.Path(self.directory) / "token"
        for text in ("", "short\n", "0123456789abcdef\nsecond line\n", "x" * 600):
            token.write_text(text)
            self.assertEqual(self.refused("--create", "--token-file", str(token))[0], 78, text)
        self.assertEqual(self.refused("--create", "--token-file", "/nonexistent")[0], 78)

    def test_a_missing_spool_is_told_so(self):
        code, said = self.refused()
        self.assertEqual(code, 69)
        self.assertIn("--create", said)

    def test_bad_options_are_refused(self):
        for options in (["--nonsense"], ["--max-body", "x"], ["--max-connections", "-1"],
                        ["--head-timeout", "0s"], ["--public-url", "img.example.org"],
                        ["--allow-origin", "*"], ["--socket-mode", "0660"], ["--idle-timeout", "2h"], ["--trusted-proxy", "localhost"], ["--max-waiting", "1e9"], ["--log-level", "loud"]):
            self.assertEqual(self.refused("--create", *options)[0], 64, options)
        for listen in ("nowhere", "127.0.0.1", "127.0.0.1:99999", "example.com:80", "unix:",
                       "unix:" + "x" * 200, ":80"):
            self.assertEqual(self.refused("--create", listen=listen)[0], 64, listen)
        self.assertEqual(self.refused("--create", "--config", "/nonexistent")[0], 78)

    def test_a_taken_port_is_not_shared(self):
        first = self.start()
        code, said = self.refused("--create", listen=f"127.0.0.1:{first.port}")
        self.assertEqual(code, 73)
        self.assertIn("Address already in use", said)

    def test_a_unix_socket_is_served_and_taken_over_when_left(self):
        path = f"{self.directory}/http.sock"
        for _ in range(2):
            served = httpd.Httpd(self.directory, listen=f"unix:{path}")
            self.assertEqual(served.url, f"unix:{path}")
            with socket.socket(socket.AF_UNIX) as wire:
                wire.connect(path)
                wire.sendall(BEAT)
                self.assertEqual(status_of(httpd.read_all(wire)), 200)
            self.assertEqual(self.refused("--create", listen=f"unix:{path}")[0], 73)
            served.end(signal.SIGKILL)  # leaves the name behind

    def test_a_socket_of_the_service_manager_is_served_and_survives(self):
        with socket.create_server(("127.0.0.1", 0), backlog=64) as handed:
            port = handed.getsockname()[1]

            def start():
                reader, writer = os.pipe()
                child = os.fork()
                if child == 0:
                    os.dup2(handed.fileno(), 3)
                    os.dup2(writer, 1)
                    os.set_inheritable(3, True)
                    os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
                    program = str(httpd.BIN / "imgq-httpd")
                    os.execv(program, [program, "--spool", f"{self.directory}/spool", "--create"])
                os.close(writer)
                with os.fdopen(reader) as said:
                    self.assertEqual(said.readline().strip(), f"http://127.0.0.1:{port}/")
                return child

            def beat():
                return requests.get(f"http://127.0.0.1:{port}/heartbeat", timeout=20).status_code

            first = start()
            self.assertEqual(beat(), 200)
            os.kill(first, signal.SIGTERM)
            self.assertEqual(os.waitpid(first, 0)[1], 0)
            with socket.create_connection(("127.0.0.1", port), timeout=20) as waiting:
                waiting.sendall(BEAT)  # nobody serves now; the next one will
                second = start()
                self.assertEqual(status_of(httpd.read_all(waiting)), 200)
            os.kill(second, signal.SIGTERM)
            self.assertEqual(os.waitpid(second, 0)[1], 0)

    def test_the_service_manager_is_told(self):
        path = f"{self.directory}/notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(path)
            manager.settimeout(20)
            served = self.start(env={**os.environ, "NOTIFY_SOCKET": path})
            self.assertTrue(manager.recv(1000).startswith(b"READY=1"))
            served.end()
            self.assertTrue(manager.recv(1000).startswith(b"STOPPING=1"))


class Reading(httpd.Case):
    """SIGHUP: configuration and token are read again."""

    def setUp(self):
        super().setUp()
        self.httpd.end()
        self.config = configuration(self.directory, "")
        self.token = pathlib.Path(self.directory) / "token"
        self.token.write_text("0123456789abcdef\n")
        self.token.chmod(0o600)
        self.said = open(pathlib.Path(self.directory) / "said", "w+", encoding="utf-8")
        self.addCleanup(self.said.close)
        self.httpd = httpd.Httpd(self.directory, "--config", self.config, "--token-file", self.token,
                                 stderr=self.said)
        self.addCleanup(self.httpd.end)

    def heard(self):
        return pathlib.Path(self.said.name).read_text(encoding="utf-8")

    def reload(self, word="configuration reloaded"):
        before = self.heard().count(word)
        self.httpd.process.send_signal(signal.SIGHUP)
        httpd.wait_until(lambda: self.heard().count(word) > before, what=word)

    def status(self, token, size=len(IMAGE), target="/v1/jobs"):
        reply = requests.post(self.httpd.url + target, data=IMAGE.ljust(size, b"x"), timeout=20,
                              headers={"Authorization": "Bearer " + token})
        return reply.status_code

    def test_a_new_token_counts_and_the_old_one_does_not(self):
        self.assertEqual(self.status("0123456789abcdef"), 202)
        self.token.write_text("fedcba9876543210\n")
        self.reload()
        self.assertEqual(self.status("0123456789abcdef"), 401)
        self.assertEqual(self.status("fedcba9876543210"), 202)

    def test_new_settings_count(self):
        token, large = "0123456789abcdef", 2 << 20
        self.assertEqual(self.status(token, large), 202)
        self.assertEqual(self.status(token, target="/v1/jobs?preset=web"), 400)
        self.config.write_text('limits.max_upload_bytes = "1MiB"\n[preset.web.thumb]\nwidth = 9\n')
        self.reload()
        self.assertEqual(self.status(token, large), 413)
        self.assertEqual(self.status(token, target="/v1/jobs?preset=web"), 202)

    def test_more_may_be_taken_than_at_the_start(self):
        def said():
            with self.httpd.connect() as wire:
                wire.sendall(post("/v1/jobs", b"", "Authorization: Bearer 0123456789abcdef",
                                  "Expect: 100-continue", length=260 << 20, kind="image/png"))
                return status_of(wire.recv(12))

        self.assertEqual(said(), 413)
        self.config.write_text('[limits]\nmax_upload_bytes = "270MiB"\nmax_file_bytes = "270MiB"\n')
        self.reload()
        self.assertEqual(said(), 100)

    def test_what_cannot_be_read_changes_nothing(self):
        for broken, text in ((self.config, "nonsense = 1\n"), (self.token, "short\n")):
            before = broken.read_text()
            broken.write_text(text)
            self.reload("going on with the old one")
            self.assertEqual(self.status("0123456789abcdef"), 202)
            broken.write_text(before)

    def test_the_log_tells_of_requests_from_then_on(self):
        self.assertEqual(self.status("no"), 401)
        self.config.write_text('log.level = "debug"\n')
        self.reload()
        self.assertNotIn("answered", self.heard())
        self.assertEqual(self.status("no"), 401)
        self.assertRegex(self.heard(), r"answered method=POST route=/v1/jobs status=401 ms=\d+ "
                                       r"from=127\.0\.0\.1\n")

    def test_another_spool_wants_a_restart(self):
        self.config.write_text(f'spool = "{self.httpd.spool}"\n')
        other = httpd.Program(httpd.BIN / "imgq-httpd", "--config", self.config, "--listen",
                              "127.0.0.1:0", stdout=subprocess.PIPE, stderr=self.said)
        self.addCleanup(other.end)
        self.assertTrue(other.process.stdout.readline())
        httpd.wait_until(lambda: self.heard().count("serving") == 2, what="its start")
        self.config.write_text('spool = "/elsewhere"\n')
        other.process.send_signal(signal.SIGHUP)
        httpd.wait_until(lambda: "configuration reloaded" in self.heard(), what="the reload")
        self.assertIn("counts only after a restart setting=spool", self.heard())


class Ending(httpd.Case):
    def test_requests_under_way_are_ended_first(self):
        body = form(IMAGE)
        with self.httpd.connect() as wire:
            wire.sendall(post("/v1/jobs", body[:100], length=len(body)))
            httpd.wait_until(lambda: self.httpd.raw(BEAT))  # so the upload has been taken on
            self.httpd.process.send_signal(signal.SIGTERM)

            def refused():
                try:
                    return not self.httpd.raw(BEAT, seconds=1)
                except OSError:
                    return True

            httpd.wait_until(refused, what="the end of serving")
            wire.sendall(body[100:])
            self.assertEqual(status_of(httpd.read_all(wire)), 202)
        self.assertEqual(self.httpd.process.wait(20), 0)

    def test_streams_idlers_and_polls_do_not_hold_it_up(self):
        job = requests.post(self.httpd.url + "/v1/jobs", data=IMAGE, timeout=20).json()["id"]
        asked = (b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                 f"GET /v1/jobs/{job}?wait=60 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode(), b"")
        wires = [self.httpd.connect() for _ in range(9)]
        with httpd.all_closed(wires):
            for wire, ask in zip(wires, asked * 3):
                wire.sendall(ask)
            httpd.wait_until(lambda: self.httpd.threads() > 9, what="all being served")
            self.assertEqual(self.httpd.end(seconds=5), 0)

    def test_a_removed_spool_is_not_served_for_ever(self):
        shutil.rmtree(self.httpd.spool)
        self.assertEqual(self.httpd.process.wait(30), 69)

    def test_what_was_not_acknowledged_leaves_nothing(self):
        with self.httpd.connect() as wire:
            wire.sendall(post("/v1/jobs", form(IMAGE)[:400], length=100000))
            httpd.wait_until(lambda: self.files_in_tmp())
        httpd.wait_until(lambda: self.files_in_tmp() == [])


class Live(httpd.Case):
    with_daemon = True

    def test_events_tell_a_jobs_way(self):
        shapes = requests.get(self.httpd.url + "/imgq.schema.json", timeout=20).json()
        with requests.get(self.httpd.url + "/v1/events", stream=True, timeout=30) as stream:
            self.assertEqual(stream.headers["Content-Type"], "text/event-stream")
            job = requests.post(self.httpd.url + "/v1/jobs", data=IMAGE, timeout=20).json()["id"]
            states, kind = [], ""
            for line in stream.iter_lines(chunk_size=1, decode_unicode=True):
                kind = line[7:] if line.startswith("event: ") else kind
                event = json.loads(line[6:]) if line.startswith("data: ") else {}
                if event:
                    jsonschema.Draft202012Validator({"$ref": f"#/$defs/{kind}", **shapes}).validate(event)
                if event.get("id") == job:
                    states.append(event["state"])
                    if states[-1] == "completed":
                        break
        self.assertEqual(states[-1], "completed")

    def test_a_wait_ends_when_the_job_does(self):
        job = requests.post(self.httpd.url + "/v1/jobs", data=IMAGE, timeout=20).json()["id"]
        reply = requests.get(f"{self.httpd.url}/v1/jobs/{job}?wait=60", timeout=90)
        self.assertEqual(reply.json()["state"], "completed")

    def test_slashes_that_follow_one_another_count_as_one(self):
        def status(target):
            return status_of(self.httpd.raw(b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))

        self.assertEqual(status(b"//v1/jobs"), 200)
        self.assertEqual(status(b"/v1/jobs/"), 404)

    def test_metrics_pass_promtool(self):
        job = requests.post(self.httpd.url + "/v1/jobs", data=IMAGE, timeout=20).json()["id"]
        requests.get(f"{self.httpd.url}/v1/jobs/{job}?wait=60", timeout=90)

        def counted():
            text = requests.get(self.httpd.url + "/metrics", timeout=20).text
            row = r'^imgq_jobs_finished_total\{spool="/[^"]*",result="completed"\} 1$'
            return re.search(row, text, re.MULTILINE) and text

        text = httpd.wait_until(counted, what="the count")
        if not shutil.which("promtool"):
            self.skipTest("promtool is not installed (package prometheus)")
        done = subprocess.run(["promtool", "check", "metrics"], input=text, text=True,
                              capture_output=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))


class Description(httpd.Case):
    """Each operation of /openapi.json is asked, and answers as it says."""

    with_daemon = True

    def setUp(self):
        super().setUp()
        self.schema = requests.get(self.httpd.url + "/imgq.schema.json", timeout=20).json()
        text = requests.get(self.httpd.url + "/openapi.json", timeout=20).text
        self.api = json.loads(text.replace("imgq.schema.json#", "#"))

    def resolved(self, part):
        while part.get("$ref", "").startswith("#/components/"):
            target = self.api
            for word in part["$ref"][2:].split("/"):
                target = target[word]
            part = target
        return part

    def fits(self, schema, value):
        jsonschema.Draft202012Validator({**schema, "$defs": self.schema["$defs"]}).validate(value)
        return True

    def ask(self, method, path, expected, values=None, **more):
        operation = self.api["paths"][path][method.lower()]
        self.asked.add((path, method.lower()))
        reply = requests.request(method, self.httpd.url + path.format(**(values or {})), timeout=90,
                                 allow_redirects=False, stream=path == "/v1/events", **more)
        self.assertEqual(reply.status_code, expected, (path, reply.text if expected != 200 else ""))
        self.assertIn(str(expected), operation["responses"], path)
        content = self.resolved(operation["responses"][str(expected)]).get("content", {})
        kind = reply.headers.get("Content-Type", "").split(";")[0]
        if content:
            self.assertIn(kind, content, path)
        if kind.endswith("json"):
            self.assertTrue(self.fits(content[kind]["schema"], reply.json()), (path, reply.text))
        reply.close()
        return reply

    def test_every_operation_answers_as_described(self):
        self.asked = set()
        job = self.ask("POST", "/v1/jobs", 202, data=IMAGE).json()["id"]
        self.ask("POST", "/v1/jobs", 202, files=[("a", ("a.png", IMAGE)), ("b", ("b.png", IMAGE))])
        self.ask("GET", "/v1/jobs/{id}", 200, {"id": job}, params={"wait": 60})
        this = {"id": job, "name": "thumb"}
        bad = {"id": "42", "name": "none"}
        for path in ("/v1/jobs/{id}", "/v1/jobs/{id}/results", "/v1/jobs/{id}/results/{name}",
                     "/result/{id}", "/result/{id}/{name}", "/jobs/{id}"):
            self.ask("GET", path, 200, this)
            self.ask("GET", path, 404, bad)
        self.ask("GET", "/v1/jobs", 200, params={"state": "completed"})
        self.ask("GET", "/v1/jobs", 400, params={"limit": "none"})
        self.ask("DELETE", "/v1/jobs/{id}", 409, this)
        self.ask("DELETE", "/v1/jobs/{id}", 400, this, params={"purge": "yes"})
        self.ask("POST", "/v1/jobs/{id}/retry", 409, this)
        self.ask("POST", "/v1/jobs", 415, data=b"text")
        self.ask("POST", "/v1/jobs", 400, data=b"")
        self.ask("POST", "/v1/jobs", 400, params={"size": "none"}, data=IMAGE)
        self.ask("POST", "/v1/jobs", 400, params={"sice": "9x9"}, data=IMAGE)
        self.ask("POST", "/v1/jobs", 403, data=IMAGE, headers={"Origin": "http://evil.example"})
        self.ask("POST", "/uploadFile", 200, files={"file": ("a.png", IMAGE)})
        self.ask("POST", "/uploadFile", 400, files={"other": ("a.png", IMAGE)})
        self.ask("POST", "/uploadFile", 415, files={"file": ("a.png", b"text")})
        self.ask("GET", "/queryFileStatus/{id}", 200, this)
        self.ask("GET", "/queryFileStatus/{id}", 400, bad)
        self.ask("POST", "/", 303, files={"file": ("a.png", IMAGE)})
        self.ask("POST", "/", 415, data=b"text")
        for path, status in (("/uploadFile", "411"), ("/v1/jobs", "500"), ("/", "500")):
            self.assertIn(status, self.api["paths"][path]["post"]["responses"], path)
        for path in ("/heartbeat", "/livez", "/readyz", "/healthz", "/metrics", "/openapi.json",
                     "/imgq.schema.json", "/", "/v1/events"):
            self.ask("GET", path, 200)
        self.ask("DELETE", "/v1/jobs/{id}", 200, this, params={"purge": "true"})
        described = {(path, method) for path, operations in self.api["paths"].items()
                     for method in operations}
        self.assertEqual(described - self.asked, set())


if __name__ == "__main__":
    unittest.main()
