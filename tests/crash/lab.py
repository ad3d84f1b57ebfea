"""What the crash tests share: the real programs over a spool of their own, the log of what was
answered kept elsewhere, killers and counters."""

import argparse
import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
from spool_reader import ENDED, UUID7, Spool  # noqa: E402

SKIPPED = 77
SEEDS = os.path.join(SOURCE, "tests", "fuzz", "corpus", "image")
GOOD = ("plain.jpg", "alpha.png", "lossy.webp", "still.gif")
BAD = ("cut.jpg", "drawing.svg")
CLOCK_LIBRARIES = tuple(f"/usr/lib/{machine}-linux-gnu/faketime/libfaketimeMT.so.1" for machine in ("x86_64", "aarch64"))


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIPPED)


def arguments(description, **extra):
    """The options that all tests have; `extra` names further ones and their defaults."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--bin", default=os.path.join(SOURCE, "build", "bin"))
    parser.add_argument("--full", action="store_true", help="every point, not every few")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=30.0, help="stop trying after so long")
    parser.add_argument("--keep", action="store_true", help="leave the spools behind")
    for name, default in extra.items():
        parser.add_argument("--" + name.replace("_", "-"), type=type(default), default=default)
    return parser.parse_args()


class Stack:
    """The programs over one spool. `scratch` holds what no disaster may reach."""

    def __init__(self, bin_dir, spool=None, config="", daemon=""):
        self.bin = os.path.abspath(bin_dir)
        self.scratch = tempfile.mkdtemp(prefix="imgq-crash-")
        self.spool = spool or os.path.join(self.scratch, "spool")
        self.acks = os.path.join(self.scratch, "acks")
        self.published = os.path.join(self.scratch, "published")
        self.log = os.path.join(self.scratch, "log")
        self.hook = os.path.join(self.scratch, "hook")
        self.config = os.path.join(self.scratch, "imgq.toml")
        open(self.acks, "w", encoding="ascii").close()
        open(self.published, "w", encoding="ascii").close()
        with open(self.hook, "w", encoding="ascii") as file:
            # With which outcome it is: a hook may be run twice for one.
            file.write('#!/bin/sh\nset -- "$2" "$1" "$(cksum "$IMGQ_SPOOL"/jobs/*/*/"$1.end" 2>&1)"\n')
            file.write(f'echo "$1 $2 ${{3%% *}}" >> {self.published}\n')
        os.chmod(self.hook, 0o755)
        with open(self.config, "w", encoding="ascii") as file:
            file.write(f'spool = "{self.spool}"\n[daemon]\nworkers = 2\nlease = "5s"\npoll = "200ms"\n')
            file.write(f'hook = "{self.hook}"\nmin_free = "0"\n{daemon}')
            file.write('[jobs]\nretry_first = "1s"\nretry_max = "1s"\n' + config)
        self.lock = threading.Lock()
        self.daemons = []
        self.collected = 0

    def close(self, keep=False):
        for daemon in self.daemons:
            end(daemon)
        if keep:
            print(f"kept: {self.scratch}")
        else:
            shutil.rmtree(self.scratch, ignore_errors=True)

    def environment(self, **more):
        env = {k: v for k, v in os.environ.items() if not k.startswith("IMGQ_")}
        return {**env, "XDG_CONFIG_HOME": self.scratch, "XDG_STATE_HOME": self.scratch, **more}

    def command(self, program, *words, config=None):
        return [os.path.join(self.bin, program), "--config", config or self.config, *words]

    def run(self, *words, before=(), timeout=60, env=None):
        return subprocess.run(
            [*before, *self.command("imgq", *words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            timeout=timeout, env=env or self.environment(), check=False)

    def make(self):
        """An empty spool."""
        daemon = self.start("--create", "--drain")
        if daemon.wait(30) != 0:
            raise RuntimeError(f"imgqd --create: {daemon.returncode}\n{self.tail()}")

    def ack(self, word, ids):
        with self.lock, open(self.acks, "a", encoding="ascii") as file:
            for job in ids:
                file.write(f"{word} {job}\n")

    def submit(self, files, *words, before=(), env=None):
        """Submits; every id that was printed counts as promised, however the command ended."""
        done = self.run("submit", *words, *files, before=before, env=env)
        ids = re.findall(rf"^({UUID7})$", done.stdout.decode(), re.MULTILINE)
        self.ack("submitted", ids)
        return ids, done

    def start(self, *words, before=(), env=None, config=None):
        """A daemon, with its own process group so that its end can be waited for."""
        log = open(self.log, "ab")
        daemon = subprocess.Popen(
            [*before, *self.command("imgqd", *words, config=config)], stdout=log, stderr=log,
            env=env or self.environment(), start_new_session=True)
        log.close()
        self.daemons.append(daemon)
        return daemon

    def submitted_first(self):
        with open(self.acks, encoding="ascii") as file:
            words = file.readline().split()
        return words[1] if words else None

    def open_jobs(self):
        """Ids that have a ticket and no outcome, and do not rest in hold/."""
        spool = Spool(self.spool)
        held = {name[:36] for name in spool.names("hold")}
        return [j for j in spool.jobs() if j not in held and not os.path.exists(spool.part(j, "end"))]

    def drain(self, timeout=150):
        """A daemon without disturbance runs everything to its end, and stops by itself.

        A retry that was killed half way parks its job for a minute (FORMAT.md, "Retry by hand").
        """
        daemon = self.start("--drain")
        try:
            code = daemon.wait(timeout)
        except subprocess.TimeoutExpired:
            code = "timeout"
        end(daemon)
        left = self.open_jobs()
        if code != 0 or left:
            raise RuntimeError(f"drain: {code}, not ended: {left}\n{self.tail()}")

    def settle(self, timeout=150):
        """Repair, work everything off, repair what the last daemons left."""
        self.repair()
        self.drain(timeout)
        self.repair()

    def repair(self):
        for _ in range(2):  # what one repair lays bare, the next one mends
            done = self.run("fsck", "--repair")
        if done.returncode not in (0, 1):
            raise RuntimeError(f"fsck: {done.returncode} {done.stderr.decode()}")

    def collect_once(self):
        """Takes what the hook saw published since last time as promises: somebody was told."""
        with open(self.published, encoding="ascii") as file:
            lines = file.readlines()
        for line in lines[self.collected:]:
            words = line.split()
            if len(words) == 3:
                self.ack(words[0], [words[1]])
        self.collected = len(lines)
        return [line.split() for line in lines]

    def collect(self):
        """How many publications the hook saw, and how many of them were of a completed job again.

        A hook that found its disk gone has the words of an error in place of a sum: it saw none.
        """
        told = {(words[1], words[2]) for words in self.collect_once()
                if words[0] == "completed" and len(words) == 3 and words[2].isdigit()}
        return len(told), len(told) - len({job for job, _ in told})

    def untold(self):
        """Ended jobs of whose last end the hook was not run; of a spool at rest."""
        told = {(words[0], words[1]) for words in self.collect_once() if len(words) == 3}
        spool = Spool(self.spool)
        ended = [(place.split("/")[0], job) for job, place in spool.tokens()]
        return [job for state, job in ended if state in ENDED and (state, job) not in told]

    def check(self, *words):
        done = subprocess.run([sys.executable, os.path.join(HERE, "check"), self.spool, "--acks",
                               self.acks, *words], stdout=subprocess.PIPE, check=False)
        return done.returncode == 0, done.stdout.decode()

    def tail(self, lines=20):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-lines:])


def end(process, how=signal.SIGKILL, timeout=20):
    """Ends a daemon and everything it started."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(how)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def photos(count, seed=1):
    """Paths of images to submit: mostly good ones, now and then a bad one."""
    pick = random.Random(seed)
    return [os.path.join(SEEDS, pick.choice(GOOD if pick.random() < 0.9 else BAD)) for _ in range(count)]


def strace(call, inject, follow=True):
    """The words before a command that make strace interfere with it."""
    words = ["strace", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:{inject}"]
    return [*words, "-f"] if follow else words


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            skip(f"{program} is not installed")


def need_strace():
    need("strace")
    probe = ["strace", "-o", "/dev/null", "-e", "trace=close", "true"]
    if subprocess.run(probe, stderr=subprocess.DEVNULL, check=False).returncode != 0:
        skip("this process may not trace others")


class Clock:
    """A budget of time: `left` says whether there is any."""

    def __init__(self, seconds):
        self.end = time.monotonic() + seconds

    def left(self):
        return time.monotonic() < self.end


def finish(name, stack, counts, keep=False):
    """The last judgement and one line of counts; the exit status of a test."""
    stack.settle()
    published, doubled = stack.collect()
    untold = stack.untold()
    kept, text = stack.check()
    numbers = " ".join(f"{key}={value}" for key, value in counts.items())
    print(f"{name}: {numbers} published={published} published_twice={doubled}"
          f" hooks_lost={len(untold)}")
    print(text, end="")
    well = kept and doubled == 0 and not untold
    stack.close(keep or not well)
    return 0 if well else 1
