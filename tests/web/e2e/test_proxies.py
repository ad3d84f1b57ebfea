"""Behind real proxies, as packaging/examples has them. Ends with 77 when nginx is not installed."""

import http.client
import os
import pathlib
import re
import shutil
import socket
import stat
import sys
import unittest
import urllib.parse

import requests

import httpd

PATH = os.environ["PATH"] + ":/usr/sbin"
if not shutil.which("nginx", path=PATH):
    print("skipped: nginx is not installed (package nginx)")
    sys.exit(77)

EXAMPLES = pathlib.Path(__file__).resolve().parents[3] / "packaging/examples"
IMAGE = httpd.png(60, 40)
PUBLIC = "https://img.example.org/imgq"
OURS = {"Host": "img.example.org", "Origin": "https://img.example.org"}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def adapted(name, *pairs):
    """An example's text, with each of the pairs replaced, which it must have."""
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    for old, new in pairs:
        assert old in text, f"{name} has no {old}"
        text = text.replace(old, new)
    return text


class Behind:
    """What works through each proxy; the case says how the shim listens and how the proxy starts."""

    options = ("--public-url", PUBLIC, "--trusted-proxy", "127.0.0.1", "--trusted-proxy", "unix",
               "--log-level", "debug")

    def setUp(self):
        self.directory = httpd.tempfile.mkdtemp(prefix="imgq-e2e-")
        os.chmod(self.directory, 0o711)  # a proxy that is not root finds its way
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.said = open(f"{self.directory}/said", "w+", encoding="utf-8")
        self.addCleanup(self.said.close)
        self.httpd = httpd.Httpd(self.directory, *self.options, listen=self.listen(), stderr=self.said)
        self.addCleanup(self.httpd.end)
        self.imgqd = httpd.Program(httpd.BIN / "imgqd", "--spool", self.httpd.spool, "--workers", "1")
        self.addCleanup(self.imgqd.end)
        self.port = free_port()
        self.proxy = self.start_proxy()
        self.addCleanup(self.proxy.end)
        self.url = f"http://127.0.0.1:{self.port}/imgq"
        httpd.wait_until(self.answers, what="the proxy")

    def answers(self):
        try:
            return requests.get(self.url + "/livez", headers=OURS, timeout=20).status_code == 200
        except requests.ConnectionError:
            return False

    def outside(self, link):
        """A link as the proxy's clients get it, asked of this proxy."""
        self.assertTrue(link.startswith(PUBLIC + "/"), link)
        return self.url + link.removeprefix(PUBLIC)

    def heard(self):
        return pathlib.Path(self.said.name).read_text(encoding="utf-8")

    def test_the_page_works_under_its_prefix(self):
        page = requests.get(self.url + "/", headers=OURS, timeout=20)
        self.assertEqual(page.status_code, 200)
        links = re.findall(r'(?:href|src|action)="([^"]*)"', page.text)
        self.assertGreater(len(links), 4)
        for link in links:
            got = requests.get(urllib.parse.urljoin(self.url + "/", link), headers=OURS, timeout=20)
            self.assertEqual(got.status_code, 200, link)
        sent = requests.post(self.url + "/", headers=OURS, timeout=20, allow_redirects=False,
                             files={"file": ("proxied.png", IMAGE)})
        self.assertEqual(sent.status_code, 303)
        shown = requests.get(urllib.parse.urljoin(self.url + "/", sent.headers["Location"]),
                             headers=OURS, timeout=20)
        self.assertIn("1 image taken in.", shown.text)
        self.assertIn("proxied.png", shown.text)
        bare = requests.get(self.url, headers=OURS, timeout=20, allow_redirects=False)
        self.assertIn(bare.status_code, (301, 302, 308))
        self.assertTrue(bare.headers["Location"].endswith("/imgq/"))

    def test_links_lead_back_through_it(self):
        sent = requests.post(self.url + "/v1/jobs", headers=OURS, data=IMAGE, timeout=20)
        self.assertEqual(sent.status_code, 202)
        self.assertEqual(sent.headers["Location"], sent.json()["links"]["self"])
        job = requests.get(self.outside(sent.headers["Location"]) + "?wait=60", headers=OURS, timeout=90)
        result = requests.get(self.outside(job.json()["results"][0]["url"]), headers=OURS, timeout=20)
        self.assertEqual(httpd.size_of_jpeg(result.content), (60, 40))
        purged = requests.delete(self.outside(sent.headers["Location"]) + "?purge=true", headers=OURS,
                                 timeout=20)
        self.assertEqual(purged.json()["purged"], True)

    def test_other_pages_are_refused(self):
        theirs = {"Host": "img.example.org", "Origin": "https://evil.example"}
        self.assertEqual(requests.post(self.url + "/v1/jobs", headers=theirs, data=IMAGE,
                                       timeout=20).status_code, 403)

    def test_uploads_larger_than_a_proxy_takes_by_itself_pass(self):
        sent = requests.post(self.url + "/v1/jobs", headers=OURS, data=IMAGE.ljust(9 << 20, b"x"), timeout=60)
        self.assertEqual(sent.status_code, 202)
        self.assertEqual(requests.get(self.outside(sent.headers["Location"]), headers=OURS,
                                      timeout=20).json()["bytes"], 9 << 20)

    def test_events_are_not_kept_back(self):
        with requests.get(self.url + "/v1/events", headers=OURS, stream=True, timeout=30) as stream:
            self.assertEqual(stream.status_code, 200)
            lines = stream.iter_lines(chunk_size=1, decode_unicode=True)
            self.assertEqual(next(lines), "retry: 2000")
            job = requests.post(self.url + "/v1/jobs", headers=OURS, data=IMAGE, timeout=20).json()["id"]
            self.assertTrue(any(job in line and '"completed"' in line for line in lines))

    def test_the_log_names_the_client_and_not_the_proxy(self):
        asked = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20,
                                           source_address=("127.0.0.7", 0))
        self.addCleanup(asked.close)
        asked.request("GET", "/imgq/v1/jobs", headers={**OURS, "X-Forwarded-For": "6.6.6.6"})
        self.assertEqual(asked.getresponse().status, 200)
        line = r"answered method=GET route=/v1/jobs status=200 ms=\d+ from=127\.0\.0\.7\n"
        self.assertRegex(self.heard(), line)

    def test_more_polls_than_a_connection_carries_are_answered(self):
        with requests.Session() as session:
            for _ in range(250):
                self.assertEqual(session.get(self.url + "/heartbeat", headers=OURS, timeout=20).status_code, 200)


class ByNginx(Behind):
    def start_proxy(self):
        user = "user www-data;" if os.geteuid() == 0 else ""
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        folders = "\n".join(f"{kind}_temp_path {self.directory}/{kind};" for kind in kinds)
        site = pathlib.Path(self.directory) / "imgq.conf"
        site.write_text(adapted("nginx.conf", ("listen 80;", f"listen 127.0.0.1:{self.port};"),
                                ("server 127.0.0.1:8080;", f"server {self.upstream()};")))
        main = pathlib.Path(self.directory) / "nginx.conf"
        main.write_text(f"daemon off; worker_processes 1; pid {self.directory}/nginx.pid; {user}\n"
                        f"events {{}}\nhttp {{\naccess_log off;\n{folders}\ninclude {site};\n}}\n")
        return httpd.Program(shutil.which("nginx", path=PATH), "-p", self.directory, "-c", main,
                             "-e", f"{self.directory}/error.log")

    def test_too_large_an_upload_is_413(self):
        asked = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        self.addCleanup(asked.close)
        asked.putrequest("POST", "/imgq/v1/jobs", skip_host=True)
        for name, value in (*OURS.items(), ("Content-Length", str(300 << 20))):
            asked.putheader(name, value)
        asked.endheaders(IMAGE)
        self.assertEqual(asked.getresponse().status, 413)


class Nginx(ByNginx, unittest.TestCase):
    def listen(self):
        return "127.0.0.1:0"

    def upstream(self):
        return f"127.0.0.1:{self.httpd.port}"


class NginxOnASocket(ByNginx, unittest.TestCase):
    """Its workers are no root, and reach what --socket-mode lets them reach."""

    options = (*Behind.options, "--socket-mode", "0666")

    def listen(self):
        return f"unix:{self.directory}/http.sock"

    def upstream(self):
        return self.listen()

    def test_a_mode_that_shuts_it_out_does(self):
        self.assertEqual(stat.S_IMODE(os.stat(f"{self.directory}/http.sock").st_mode), 0o666)
        self.httpd.end()
        again = httpd.Httpd(self.directory, "--socket-mode", "0600", listen=self.listen())
        self.addCleanup(again.end)
        self.assertEqual(stat.S_IMODE(os.stat(f"{self.directory}/http.sock").st_mode), 0o600)
        if os.geteuid() == 0:
            self.assertEqual(requests.get(self.url + "/livez", headers=OURS, timeout=20).status_code, 502)


@unittest.skipUnless(shutil.which("caddy"), "caddy is not installed (package caddy)")
class Caddy(Behind, unittest.TestCase):
    def listen(self):
        return "127.0.0.1:0"

    def start_proxy(self):
        site = pathlib.Path(self.directory) / "Caddyfile"
        site.write_text("{\n\tadmin off\n}\n" + adapted(
            "Caddyfile", ("img.example.org {", f"http://img.example.org:{self.port} {{"),
            ("127.0.0.1:8080 {", f"127.0.0.1:{self.httpd.port} {{")))
        env = {**os.environ, "HOME": self.directory, "XDG_CONFIG_HOME": self.directory,
               "XDG_DATA_HOME": self.directory}
        return httpd.Program("caddy", "run", "--adapter", "caddyfile", "--config", site, env=env)


if __name__ == "__main__":
    unittest.main()
