"""File systems of our own, to be cut off, filled and broken: image files on loop devices."""

import ctypes
import os
import subprocess
import time

from lab import need, skip


def shell(*words, check=True):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {done.stdout.decode().strip()}")
    return done.stdout.decode()


MAKERS = {
    "ext4": (64, ["mkfs.ext4", "-q", "-F"]),
    "xfs": (300, ["mkfs.xfs", "-q", "-f"]),
    "btrfs": (128, ["mkfs.btrfs", "-q", "-f", "-M"]),
}


class Disk:
    """A file system in an image file, mounted at `mount`."""

    def __init__(self, kind, scratch, megabytes=None):
        need("losetup", MAKERS[kind][1][0])
        self.kind = kind
        self.image = os.path.join(scratch, f"{kind}.img")
        self.mount = os.path.join(scratch, kind)
        os.mkdir(self.mount)
        size, words = MAKERS[kind]
        with open(self.image, "wb") as file:
            file.truncate((megabytes or size) << 20)
        shell(*words, self.image)
        try:
            self.attach()
        except RuntimeError as error:
            skip(f"cannot mount {kind} on a loop device: {error}")

    def attach(self, *options):
        shell("mount", "-o", ",".join(("loop", *options)), self.image, self.mount)
        self.off = False

    def detach(self):
        for _ in range(100):
            if subprocess.run(["umount", self.mount], stderr=subprocess.DEVNULL, check=False).returncode == 0:
                return
            time.sleep(0.05)
        shell("umount", "-l", self.mount)

    def pull(self):
        """From now on nothing reaches the disk, whoever goes on (not btrfs)."""
        shell("xfs_io", "-x", "-c", "shutdown", self.mount)
        self.off = True

    def power_cut(self):
        """What the disk has at this moment is all that is left. btrfs writes in the background: the
        image must lie where a copy is made in one moment (xfs)."""
        if self.kind == "btrfs":
            copy = self.image + ".copy"
            shell("cp", "--reflink=always", self.image, copy)
            self.detach()
            os.replace(copy, self.image)
        else:
            if not self.off:
                self.pull()
            self.detach()
        self.attach()

    def close(self):
        self.detach()


def own_mounts():
    """From now on what is mounted is seen here alone: in a copy of it, in another test's mount namespace,
    a file system outlives its umount, and comes back as it was."""
    if os.geteuid() != 0:
        skip("only root can mount file systems")
    if not os.path.exists("/dev/loop-control"):
        skip("no loop devices here")
    need("xfs_io")
    new_mount_namespace = 0x20000
    if ctypes.CDLL(None).unshare(new_mount_namespace) != 0:
        skip("no mount namespace can be made here")
    shell("mount", "--make-rprivate", "/")
