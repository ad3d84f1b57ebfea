"""Photographs for `imgq run`, what it told, and what it made."""

import os
import random
import re
import struct
import subprocess
import zlib

from network import MOUNT, sh

FOLDERS = ("", "of a day/", "größer & 'so'/日本/")


def photograph(number, width, height):
    """Noise and rest as a grey PNG: no two alike."""
    noise = random.Random(number).randbytes(width)
    rows = b"".join(b"\0" + noise[row % width:] + noise[:row % width] for row in range(height))
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks)


def make_photographs(folder, count, width=120, height=90):
    for number in range(count):
        path = os.path.join(folder, FOLDERS[number % len(FOLDERS)], f"bild ü {number}.png")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(photograph(number, width, height))


def start(host, imgq, out, *words):
    """A run on a host, from photos/ of what is mounted there to another folder of it."""
    env = {**os.environ, "XDG_STATE_HOME": f"{host.folder}/state"}
    return subprocess.Popen([*host.enter, imgq, "run", "--workers", "1", "--print", *words, "-o", f"{MOUNT}/{out}",
                             f"{MOUNT}/photos"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)


def counts(process):
    """What a run told: made, up to date, failed."""
    said = process.communicate(timeout=120)[1]
    found = re.search(r" (\d+) made, (\d+) up to date, (\d+) failed", said)
    assert process.returncode == 0 and found, f"exit {process.returncode}: {said}"
    return tuple(map(int, found.groups()))


def results(folder):
    """Each that can be read, with what changes when it is made again."""
    found = {}
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != ".imgq"]
        for path in (os.path.join(parent, name) for name in files if name.endswith(".jpg")):
            sh("djpeg", "-outfile", "/dev/null", path)
            about = os.stat(path)
            found[path] = (about.st_mtime_ns, about.st_size, about.st_ino)
    return found
