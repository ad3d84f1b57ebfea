"""One spool that three hosts share, and its daemons; judged as the crash tests judge theirs."""

import os
import signal
import threading
import time

from network import MOUNT, PROGRAMS, until  # first: it knows the way to lab
from lab import Stack, end, photos
from spool_reader import Spool, read_record

SETTLED_S = 180  # after a heal nothing may need a person, nor longer than this: MooseFS keeps locks of the dead


def at_once(hosts, work):
    """Runs work(number, host) for each host in the same moment; what each returned."""
    meet, found = threading.Barrier(len(hosts)), [None] * len(hosts)

    def one(number, host):
        meet.wait()
        try:
            found[number] = work(number, host)
        except Exception as error:  # pylint: disable=broad-except
            found[number] = error  # told by whoever asked

    threads = [threading.Thread(target=one, args=pair) for pair in enumerate(hosts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in found:
        if isinstance(result, Exception):
            raise result
    return found


class Site(Stack):
    def __init__(self, hosts, name, daemon):
        super().__init__(PROGRAMS, os.path.join(MOUNT, name), daemon=daemon)
        self.hosts, self.name = hosts, name
        self.spool = hosts[0].view(self.spool)
        self.running = {}  # by host: its daemon and its environment

    def run(self, *words, before=(), **more):
        return super().run(*words, before=before or self.hosts[0].enter, **more)

    def start(self, *words, before=(), **more):
        return super().start(*words, before=before or self.hosts[0].enter, **more)

    def seen_by(self, host):
        return Spool(host.view(os.path.join(MOUNT, self.name)))

    def begin(self, env=None):
        """A daemon on each host."""
        for host in self.hosts:
            self.restart(host, env and env(host))

    def restart(self, host, env=None):
        if host.name in self.running:
            end(self.running[host.name][0])
            env = env or self.running[host.name][1]
        self.running[host.name] = (self.start(before=host.enter, env=self.environment(**env or {})), env)

    def submit_from(self, host, count, env=None):
        ids, done = self.submit(photos(count, len(self.daemons)), before=host.enter,
                                env=self.environment(**env or {}))
        return ids, done.returncode, done.stderr.decode()

    def settle_alone(self):
        """The daemons work everything off; how long that took."""
        for host in self.hosts:
            if self.running[host.name][0].poll() is not None:
                self.restart(host)
        took = until("every job ends, and all hooks are run, without a person", self.is_at_rest, SETTLED_S)
        for daemon, _ in self.running.values():
            end(daemon, signal.SIGTERM, 60)
        if self.claimed():
            raise RuntimeError(f"left in processing/: {self.claimed()}")
        return took

    def collect_once(self):
        """Of the hooks that were run, those that could read the outcome: not on a mount that was gone."""
        return [words for words in super().collect_once() if len(words) == 3 and words[2].isdigit()]

    def is_at_rest(self):
        taken_over = len(self.owners()) <= len(self.running)
        return taken_over and not (self.open_jobs() or self.claimed() or Spool(self.spool).names("hooks"))

    def claimed(self):
        spool = Spool(self.spool)
        return [place for _, place in spool.tokens() if place.startswith("processing/")]

    def entries_of(self, host):
        """How often a daemon of the host has entered the spool."""
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return sum("entered the spool" in line and f"instance={host.name}." in line for line in log)

    def owners(self):
        return [name for name in Spool(self.spool).names("processing") if not name.startswith(".")]

    def judge(self, counts):
        """Problems as text; none when every promise was kept."""
        time.sleep(1.2)  # what clients remember of names
        until("nothing is left in tmp/", self.is_swept, SETTLED_S)  # MooseFS keeps locks of the dead
        self.repair()
        kept, text = self.check()
        published, doubled = self.collect()
        untold = self.untold()
        counts.update(published=published, published_twice=doubled, hooks_lost=len(untold))
        problems = "" if kept else text
        if doubled:
            problems += f"published twice: {doubled}\n"
        if untold:
            problems += f"hooks that were not run: {untold}\n"
        return problems

    def is_swept(self):
        """Temporary files of the dead are removed by their own host."""
        for host in self.hosts:
            self.run("fsck", "--repair", before=host.enter)
        return not Spool(self.spool).names("tmp")

    def unreadable(self, ids):
        """Which host cannot read which job's ticket, or its source."""
        found = []
        for host in self.hosts:
            spool = self.seen_by(host)
            for job in ids:
                try:
                    read_record(spool.part(job, "job"), "ticket")
                    with open(spool.part(job, "src"), "rb") as source:
                        source.read()
                except Exception as error:  # pylint: disable=broad-except
                    found.append(f"{host.name}: {job}: {error!r}")
        return found
