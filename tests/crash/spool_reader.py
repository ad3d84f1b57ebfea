"""A second reader of the spool's format, written from spool/FORMAT.md and sharing no code with
imgq: what both agree on is the format, what they do not is a bug of one of them."""

import hashlib
import json
import os
import re

UUID7 = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
TOKEN = re.compile(rf"({UUID7})\.([1-9][0-9]{{0,3}})")
DELAYED = re.compile(rf"([0-9]{{13}})\.({UUID7})\.([1-9][0-9]{{0,3}})")
PART = re.compile(
    rf"({UUID7})\.(job|src|end|placed|try-([1-9][0-9]{{0,3}})"
    r"|([1-9][0-9]{0,3})\.([a-z0-9][a-z0-9_-]{0,31})\.([a-z0-9]{1,8}))"
)
WAITING = ("staging", "hold")
ENDED = ("completed", "failed", "cancelled")
MAX_RECORD = 65536
TAIL = re.compile(rb',"digest":"([0-9a-f]{64})"\}\n')


class Broken(Exception):
    """A record that is not what the format says."""


def parse_record(data, kind):
    """The fields of a record; Broken when it is torn, altered or of another kind."""
    if len(data) > MAX_RECORD:
        raise Broken("longer than 65536 bytes")
    tail = TAIL.fullmatch(data[-78:])
    if not tail:
        raise Broken("cut short")
    if hashlib.sha256(data[:-78]).hexdigest().encode() != tail.group(1):
        raise Broken("digest differs")
    fields = json.loads(data)
    if fields.get("imgq") != 1:
        raise Broken("unknown version")
    if fields.get("kind") != kind:
        raise Broken(f"kind is {fields.get('kind')}, not {kind}")
    return fields


def read_record(path, kind):
    with open(path, "rb") as file:
        return parse_record(file.read(), kind)


def hour_folder(job):
    """jobs/<day>/<hour> of an id: the first 48 bits are milliseconds of Unix time."""
    from datetime import datetime, timezone

    ms = int(job[:8] + job[9:13], 16)
    return datetime.fromtimestamp(ms / 1000, timezone.utc).strftime("jobs/%Y-%m-%d/%H")


class Spool:
    def __init__(self, root):
        self.root = root

    def path(self, *parts):
        return os.path.join(self.root, *parts)

    def part(self, job, ending):
        return self.path(hour_folder(job), f"{job}.{ending}")

    def names(self, folder):
        try:
            return sorted(os.listdir(self.path(folder)))
        except FileNotFoundError:
            return []

    def version(self):
        with open(self.path("format"), encoding="ascii") as file:
            return file.read()

    def jobs(self):
        """Every id that has a ticket."""
        found = []
        for day in self.names("jobs"):
            for hour in self.names(f"jobs/{day}"):
                for name in self.names(f"jobs/{day}/{hour}"):
                    part = PART.fullmatch(name)
                    if part and part.group(2) == "job":
                        found.append(part.group(1))
        return found

    def tokens(self):
        """Pairs (id, place) of all tokens; a place is the path of the name."""
        found = []
        for state in WAITING:
            for name in self.names(state):
                token = TOKEN.fullmatch(name)
                if token:
                    found.append((token.group(1), f"{state}/{name}"))
        for name in self.names("delayed"):
            token = DELAYED.fullmatch(name)
            if token:
                found.append((token.group(2), f"delayed/{name}"))
        for owner in self.names("processing"):
            for name in self.names(f"processing/{owner}"):
                token = TOKEN.fullmatch(name)
                if token:
                    found.append((token.group(1), f"processing/{owner}/{name}"))
        for state in ENDED:
            for folder, _, names in os.walk(self.path(state)):
                for name in names:
                    if re.fullmatch(UUID7, name):
                        place = os.path.relpath(os.path.join(folder, name), self.root)
                        found.append((name, place))
        return found

    def unknown(self):
        """Names in hour folders and state folders that the format does not know."""
        odd = []
        for day in self.names("jobs"):
            for hour in self.names(f"jobs/{day}"):
                for name in self.names(f"jobs/{day}/{hour}"):
                    if not PART.fullmatch(name):
                        odd.append(f"jobs/{day}/{hour}/{name}")
        odd += [f"staging/{n}" for n in self.names("staging") if not TOKEN.fullmatch(n)]
        odd += [f"delayed/{n}" for n in self.names("delayed") if not DELAYED.fullmatch(n)]
        return odd
