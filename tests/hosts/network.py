"""Hosts on one machine: each has a network, mounts and a name of its own, and a cable that can be pulled."""

import contextlib
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "crash"))
from lab import need, skip  # noqa: E402

INSIDE = "IMGQ_HOSTS_INSIDE"
MOUNT = "/mnt"  # of the shared file system, on every host
PROGRAMS = "/opt"  # where each has its programs


def sh(*words, check=True, timeout=60, **more):
    """Runs a command; what it said is in the exception when it fails."""
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=timeout, check=False, text=True, **more)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {done.returncode}\n{done.stdout}")
    return done


def go_inside():
    """Starts this program again in namespaces of its own: whatever it leaves goes with them."""
    if os.environ.pop(INSIDE, None):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the first process of a namespace ignores it else
        sh("mount", "-t", "tmpfs", "-o", "ro,size=4k", "nothing", MOUNT)  # until a host mounts something there
        sh("ip", "link", "set", "lo", "up")
        sh("ip", "link", "add", "br0", "type", "bridge")
        sh("ip", "link", "set", "br0", "up")
        return
    need("unshare", "nsenter", "ip")
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        skip("no /dev/fuse that this user may open")
    apart = ["unshare", "--mount", "--net", "--pid", "--uts", "--fork", "--mount-proc", "--kill-child",
             "--propagation", "private"]
    tried = sh(*apart, "ip", "link", "add", "br0", "type", "bridge", check=False)
    if tried.returncode != 0:
        skip(f"no namespaces to be hosts in: {tried.stdout.strip()}")
    os.execvpe(apart[0], [*apart, sys.executable, *sys.argv], {**os.environ, INSIDE: "1"})


def until(what, condition, timeout):
    """Waits for a condition; how long it took, in seconds."""
    start = time.monotonic()
    while not condition():
        if time.monotonic() - start > timeout:
            raise RuntimeError(f"not within {timeout} s: {what}")
        time.sleep(0.1)
    return time.monotonic() - start


class Host:
    count = 0

    def __init__(self, name, work):
        Host.count += 1
        self.name, self.address = name, f"10.77.0.{Host.count}"
        self.folder = os.path.join(work, name)
        os.makedirs(self.folder)
        self.cable = f"v{name}-{Host.count}"  # one that is gone keeps its name for a while
        self.init = subprocess.Popen(
            ["unshare", "--mount", "--net", "--uts", "--propagation", "private", "sh", "-c",
             f"hostname {name} && ip link set lo up && echo up && exec sleep infinity"], stdout=subprocess.PIPE)
        if self.init.stdout.readline() != b"up\n":
            raise RuntimeError(f"host {name} does not come up")
        self.enter = ["nsenter", "-t", str(self.init.pid), "-m", "-n", "-u"]
        sh("ip", "link", "add", self.cable, "type", "veth", "peer", "name", "eth0", "netns", str(self.init.pid))
        sh("ip", "link", "set", self.cable, "master", "br0", "up")
        self.run("ip", "addr", "add", f"{self.address}/24", "dev", "eth0")
        self.run("ip", "link", "set", "eth0", "up")

    def run(self, *words, **more):
        return sh(*self.enter, *words, **more)

    def install(self, programs):
        """These are its programs from now on."""
        self.run("mount", "--bind", os.path.abspath(programs), PROGRAMS)

    def view(self, path):
        """A path of this host as everybody here can open it."""
        return f"/proc/{self.init.pid}/root{path}"

    def own(self, path, *kept):
        """A folder of its own in place of one that all share; `kept` are copied into it."""
        mine = os.path.join(self.folder, path.strip("/").replace("/", "-"))
        os.makedirs(mine)
        for name in kept:
            if os.path.exists(os.path.join(path, name)):
                sh("cp", "-a", os.path.join(path, name), mine)
        self.run("mount", "--bind", mine, path)

    def cut(self):
        sh("ip", "link", "set", self.cable, "down")

    def mend(self):
        sh("ip", "link", "set", self.cable, "up")

    def pids(self, program):
        """Of its processes with that name."""
        mine, found = os.readlink(f"/proc/{self.init.pid}/ns/net"), []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
                    name = file.read().strip()
                if name == program[:15] and os.readlink(f"/proc/{pid}/ns/net") == mine:
                    found.append(int(pid))
        return found

    def kill(self, program, how=signal.SIGKILL):
        found = self.pids(program)
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, how)
        if how == signal.SIGKILL:
            until(f"{program} of {self.name} ends", lambda: not self.pids(program), 20)
        return len(found)
