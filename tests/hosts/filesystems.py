"""The shared file systems, each brought up on hosts of its own and mounted on three clients."""

import contextlib
import os
import shutil
import signal
import time

from network import MOUNT, Host, until


class GlusterFS:
    """Replica 3, with the options that INSTALL of a site would have: locks are given back, dead hosts freed in 8 s."""

    name = "glusterfs"
    programs = ("glusterd", "glusterfsd", "mount.glusterfs")
    client = "glusterfs"
    options = ("client.strict-locks=on", "network.ping-timeout=5", "server.tcp-user-timeout=8",
               "client.tcp-user-timeout=8", "server.keepalive-time=3", "server.keepalive-interval=1",
               "server.keepalive-count=3", "client.keepalive-time=3", "client.keepalive-interval=1",
               "client.keepalive-count=3")

    def __init__(self, work):
        self.servers = [Host(f"g{n}", work) for n in (1, 2, 3)]
        for host in self.servers:
            host.own("/var/lib/glusterd", "hooks", "groups")
            host.own("/var/log/glusterfs")
            host.run("mount", "-t", "tmpfs", "tmpfs", "/run")
            host.run("mkdir", "-p", "/run/gluster")
            os.makedirs(os.path.join(host.folder, "brick"))
            host.run("glusterd", "--pid-file=/run/glusterd.pid")
        first = self.servers[0]
        until("glusterd answers", lambda: self.gluster("pool", "list", check=False).returncode == 0, 30)
        for host in self.servers[1:]:
            self.gluster("peer", "probe", host.address)
        until("the servers know each other",
              lambda: first.run("gluster", "pool", "list").stdout.count("Connected") == 3, 30)
        bricks = [f"{host.address}:{host.folder}/brick/b" for host in self.servers]
        until("the volume is made", lambda: self.gluster(
            "volume", "create", "spool", "replica", "3", *bricks, "force", check=False).returncode == 0, 30)
        for option in self.options:
            self.gluster("volume", "set", "spool", *option.split("="))
        self.gluster("volume", "start", "spool")
        self.clients = [Host(f"c{n}", work) for n in (1, 2, 3)]
        for host in self.clients:
            host.own("/var/log/glusterfs")
            host.run("mount", "-t", "tmpfs", "tmpfs", "/run")
            host.run("mkdir", "-p", "/run/gluster")  # for a state dump of the client: kill -USR1
            self.mount(host)

    def gluster(self, *words, check=True):
        return self.servers[0].run("gluster", "--mode=script", *words, check=check, timeout=130)

    def stop_server(self, host):
        end_server(host, "glusterfsd")

    def lose_quorum(self):
        for host in self.servers[1:]:
            self.stop_server(host)

    def start_servers(self):
        self.gluster("volume", "start", "spool", "force")
        until("every brick is there, and healed", self.is_whole, 120)

    def is_whole(self):
        told = self.gluster("volume", "heal", "spool", "info", "summary", check=False).stdout
        return told.count("Status: Connected") == 3 and told.count("Total Number of entries: 0") == 3

    def mount(self, host):
        spare = ":".join(server.address for server in self.servers[1:])
        host.run("mount", "-t", "glusterfs", "-o", f"backup-volfile-servers={spare}",
                 f"{self.servers[0].address}:/spool", MOUNT)


class MooseFS:
    """One master, three chunk servers, two copies of each file."""

    name = "moosefs"
    programs = ("mfsmaster", "mfschunkserver", "mfsmount")
    client = "mfsmount"

    def __init__(self, work):
        self.master = Host("m1", work)
        data = self.master.folder
        shutil.copy("/var/lib/mfs/metadata.mfs.empty", os.path.join(data, "metadata.mfs"))
        self.write(data, "mfsexports.cfg", "* / rw,alldirs,maproot=0:0")
        config = self.write(data, "mfsmaster.cfg", f"WORKING_USER=root\nWORKING_GROUP=root\nDATA_PATH={data}\n"
                            f"EXPORTS_FILENAME={data}/mfsexports.cfg\n"
                            "SESSION_SUSTAIN_TIME=60\n")  # else locks of a mount that was killed stay for a day
        self.master.run("mfsmaster", "-c", config, "start")
        self.configs = {self.master: config}
        self.servers = [Host(f"s{n}", work) for n in (1, 2, 3)]
        for host in self.servers:
            chunks = os.path.join(host.folder, "chunks")
            os.makedirs(chunks)
            disks = self.write(host.folder, "mfshdd.cfg", chunks)
            config = self.write(host.folder, "mfschunkserver.cfg",
                                f"WORKING_USER=root\nWORKING_GROUP=root\nDATA_PATH={host.folder}\n"
                                f"HDD_CONF_FILENAME={disks}\nMASTER_HOST={self.master.address}\n"
                                "HDD_LEAVE_SPACE_DEFAULT=16MiB\n")
            self.configs[host] = config
            host.run("mfschunkserver", "-c", config, "start")
        self.clients = [Host(f"c{n}", work) for n in (1, 2, 3)]
        until("the master has chunk servers", self.is_writable, 90)
        for host in self.clients[1:]:
            self.mount(host)

    @staticmethod
    def write(folder, name, text):
        path = os.path.join(folder, name)
        with open(path, "w", encoding="ascii") as file:
            file.write(text + "\n")
        return path

    def is_writable(self):
        """Mounts on the first client once files can be written."""
        first = self.clients[0]
        if not first.pids(self.client):
            first.run("mfsmount", "-H", self.master.address, MOUNT, check=False)
        return first.run("dd", "if=/dev/zero", f"of={MOUNT}/probe", "bs=4096", "count=1", "conv=fsync",
                         check=False).returncode == 0

    def stop_server(self, host):
        end_server(host, "mfschunkserver")

    def lose_quorum(self):
        """Without its master nothing answers."""
        end_server(self.master, "mfsmaster")

    def start_servers(self):
        if not self.master.pids("mfsmaster"):
            self.master.run("mfsmaster", "-c", self.configs[self.master], "-a", "start")
        for host in self.servers:
            if not host.pids("mfschunkserver"):
                host.run("mfschunkserver", "-c", self.configs[host], "start")
        until("files can be written", self.is_writable, 120)

    def mount(self, host):
        host.run("mfsmount", "-H", self.master.address, MOUNT)


def end_server(host, program):
    """Killed, and reaped: while it is a zombie, its manager takes it for alive."""
    found = host.pids(program)
    host.kill(program)
    for pid in found:
        with contextlib.suppress(ChildProcessError):  # it daemonized, so it became ours
            os.waitpid(pid, 0)


def kill_mount(filesystem, host):
    """The file system of a host goes away under its programs."""
    host.kill(filesystem.client)


def mount_again(filesystem, host):
    host.run("umount", "-l", MOUNT, check=False)
    filesystem.mount(host)


def freeze_mount(filesystem, host, seconds):
    host.kill(filesystem.client, signal.SIGSTOP)
    time.sleep(seconds)
    host.kill(filesystem.client, signal.SIGCONT)


KINDS = {kind.name: kind for kind in (GlusterFS, MooseFS)}
