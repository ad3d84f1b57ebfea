"""File systems of our own, to be cut off, filled and broken: image files on loop devices."""

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
        self.attach()

    def attach(self, *options):
        words = ["mount", "-o", ",".join(("loop", *options)), self.image, self.mount]
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            skip(f"cannot mount {self.kind} on a loop device: {done.stdout.decode().strip()}")

    def detach(self):
        for _ in range(100):
            if subprocess.run(["umount", self.mount], stderr=subprocess.DEVNULL, check=False).returncode == 0:
                return
            time.sleep(0.05)
        shell("umount", "-l", self.mount)

    def power_cut(self):
        """What the disk has at this moment is all that is left."""
        if self.kind == "btrfs":
            copy = self.image + ".copy"
            shell("cp", "--sparse=always", self.image, copy)
            self.detach()
            os.replace(copy, self.image)
        else:
            shell("xfs_io", "-x", "-c", "shutdown", self.mount)
            self.detach()
        self.attach()

    def close(self):
        self.detach()


def need_root():
    if os.geteuid() != 0:
        skip("only root can mount file systems")
    if not os.path.exists("/dev/loop-control"):
        skip("no loop devices here")
    need("xfs_io")
