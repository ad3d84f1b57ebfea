"""The old service's four test cases, as its users run them: python3-requests, and curl."""

import json
import subprocess
import unittest
import uuid

import requests

import httpd


class OldApi(httpd.Case):
    with_daemon = True

    def setUp(self):
        super().setUp()
        self.image = httpd.png(900, 600)
        self.path = f"{self.directory}/photo.png"
        with open(self.path, "wb") as file:
            file.write(self.image)

    # How the clients ask: (status, reply)

    def requests_upload(self, key="file"):
        with open(self.path, "rb") as file:
            reply = requests.post(self.httpd.url + "/uploadFile", files={key: file}, timeout=20)
        return reply.status_code, reply.json()

    def requests_status(self, job):
        reply = requests.get(f"{self.httpd.url}/queryFileStatus/{job}", timeout=20)
        return reply.status_code, reply.json()

    def curl(self, *words):
        done = subprocess.run(
            ["curl", "-sS", "-w", "\n%{http_code}", "--max-time", "20", *words],
            capture_output=True, text=True, check=True,
        )
        text, _, status = done.stdout.rpartition("\n")
        return int(status), json.loads(text)

    def curl_upload(self, key="file"):
        return self.curl("-F", f"{key}=@{self.path}", self.httpd.url + "/uploadFile")

    def curl_status(self, job):
        return self.curl(f"{self.httpd.url}/queryFileStatus/{job}")

    # The four cases

    def upload_and_poll_to_completion(self, upload, status):
        code, reply = upload()
        self.assertEqual((code, reply["result"]), (200, "File Uploaded successfully !!"))
        job = reply["file_id"]
        stages = []

        def completed():
            code, reply = status(job)
            self.assertEqual((code, reply["file_id"]), (200, job))
            stages.append(reply["result"])
            return reply["result"] == "COMPLETION STAGE"

        httpd.wait_until(completed, 60, "COMPLETION STAGE")
        order = ["STAGING STAGE", "PROCESSING STAGE", "COMPLETION STAGE"]
        self.assertEqual(stages, sorted(stages, key=order.index), "stages only move on")
        result = requests.get(f"{self.httpd.url}/result/{job}", timeout=20)
        self.assertEqual(result.headers["Content-Type"], "image/jpeg")
        self.assertEqual(httpd.size_of_jpeg(result.content), (500, 333))

    def unknown_id(self, status):
        job = "01234567-89ab-7def-8123-456789abcdef"
        self.assertEqual(status(job), (400, {"result": "ID NOT FOUND !!", "file_id": job}))
        other = str(uuid.uuid4())
        self.assertEqual(status(other)[0], 400)

    def without_the_file_key(self, upload):
        self.assertEqual(upload("image"), (400, {"result": "file key not found in request"}))

    def test_requests_uploads_and_polls_to_completion(self):
        self.upload_and_poll_to_completion(self.requests_upload, self.requests_status)

    def test_curl_uploads_and_polls_to_completion(self):
        self.upload_and_poll_to_completion(self.curl_upload, self.curl_status)

    def test_an_unknown_id_is_not_found(self):
        self.unknown_id(self.requests_status)
        self.unknown_id(self.curl_status)

    def test_a_request_without_the_file_key_is_refused(self):
        self.without_the_file_key(self.requests_upload)
        self.without_the_file_key(self.curl_upload)
        reply = requests.post(self.httpd.url + "/uploadFile", timeout=20)
        self.assertEqual((reply.status_code, reply.json()["result"]),
                         (400, "file key not found in request"))

    def test_the_heart_beats(self):
        reply = requests.get(self.httpd.url + "/heartbeat", timeout=20)
        self.assertEqual((reply.status_code, reply.text), (200, '{"result":"beating"}'))

    def test_what_is_no_image_and_what_is_empty_are_refused(self):
        url = self.httpd.url + "/uploadFile"
        reply = requests.post(url, files={"file": ("a.jpg", b"text")}, timeout=20)
        self.assertEqual(reply.status_code, 415)
        reply = requests.post(url, files={"file": ("a.jpg", b"")}, timeout=20)
        self.assertEqual((reply.status_code, reply.json()["result"]), (400, "Empty file received"))

    def test_a_damaged_image_ends_in_the_failed_stage_with_its_reason(self):
        files = {"file": ("a.png", self.image[:5000])}
        job = requests.post(self.httpd.url + "/uploadFile", files=files, timeout=20).json()["file_id"]
        reply = httpd.wait_until(
            lambda: (said := self.requests_status(job)[1])["result"] == "FAILED STAGE" and said, 60)
        self.assertTrue(reply["reason"])

    def test_a_large_file_is_refused_before_curl_sends_it(self):
        path = f"{self.directory}/large.jpg"
        with open(path, "wb") as file:
            file.write(self.image[:100])
            file.truncate(300 << 20)
        code, reply = self.curl("-F", f"file=@{path}", self.httpd.url + "/uploadFile")
        self.assertEqual(code, 413)
        self.assertIn("large", reply["result"])

    def test_names_of_any_bytes_survive(self):
        for name in ("süß 猫.png", 'quo"te.png', "a;b=c.png", "-x.png"):
            files = {"file": (name, self.image)}
            reply = requests.post(self.httpd.url + "/v1/jobs", files=files, timeout=20).json()
            self.assertEqual(reply["name"], name.replace('"', "%22") if '"' in name else name)


if __name__ == "__main__":
    unittest.main()
