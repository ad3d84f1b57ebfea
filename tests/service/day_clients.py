"""The clients of tests/service/day, through its proxy.

day_clients.py upload COUNT ACKS   eight of them upload COUNT images, no two of one size; each answer goes to ACKS
day_clients.py judge COUNT ACKS    each is a job of its own, completed, and its result has its size
"""

import concurrent.futures
import io
import sys
import threading
import time

import requests
from PIL import Image

PROXY = "http://127.0.0.1/imgq"
PUBLIC = "http://img.example.org/imgq"
HOST = {"Host": "img.example.org"}
KEY = "day-{}"
CLIENTS = 8
PATIENCE_S = 120
local = threading.local()


def size_of(number):
    return 20 + number % 50, 20 + number // 50


def image(number):
    made = io.BytesIO()
    Image.new("RGB", size_of(number), (number % 256, number // 256, 128)).save(made, "PNG")
    return made.getvalue()


def asked(method, path, headers=(), **more):
    """The answer, once proxy and shim give one that is not about their own trouble."""
    if not hasattr(local, "session"):
        local.session = requests.Session()
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            answer = local.session.request(method, PROXY + path, headers={**HOST, **dict(headers)}, timeout=90,
                                           **more)
            if answer.status_code < 500:
                return answer
            said = answer.text
        except requests.RequestException as error:
            said = error
        if time.monotonic() > deadline:
            raise RuntimeError(f"{method} {path}: {said}")
        time.sleep(0.2)


def upload(number):
    sent = asked("POST", "/v1/jobs", {"Idempotency-Key": KEY.format(number)}, data=image(number))
    if sent.status_code not in (200, 202):
        raise RuntimeError(f"upload {number}: {sent.status_code} {sent.text}")
    return sent.json()["id"]


def judge(number, job):
    told = asked("GET", f"/v1/jobs/{job}?wait=60").json()
    if told["state"] != "completed" or len(told["results"]) != 1:
        return f"upload {number}: {told}"
    link = told["results"][0]["url"]
    result = asked("GET", link.removeprefix(PUBLIC)).content
    with Image.open(io.BytesIO(result)) as got:
        if got.size != size_of(number):
            return f"upload {number}: {got.size} instead of {size_of(number)}"
    again = upload(number)
    return None if again == job else f"upload {number}: asked again, it is {again} instead of {job}"


def upload_all(count, path):
    with open(path, "a", encoding="ascii") as acks, concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        for job in pool.map(upload, range(count)):
            acks.write(f"submitted {job}\n")
            acks.flush()


def judge_all(count, path):
    with open(path, encoding="ascii") as acks:
        jobs = [line.split()[1] for line in acks]
    wrong = [] if len(set(jobs)) == count else [f"{len(set(jobs))} jobs for {count} uploads"]
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        wrong += filter(None, pool.map(judge, range(count), jobs))
    print("\n".join(wrong[:20]), file=sys.stderr, end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    act = {"upload": upload_all, "judge": judge_all}[sys.argv[1]]
    sys.exit(act(int(sys.argv[2]), sys.argv[3]))
