"""What tests/bench/run sets against one another: each makes the same thumbnails its best own way.

A peer is a function in the table PEERS. It is called in a process of its own and has returned when
all results lie in job.out; it starts at most job.cpus processes that work at once. All fit an image
into 500x500, upright, as JPEG of quality 80, which is imgq's default.
"""

import collections
import os
import pathlib
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
Peer = collections.namedtuple("Peer", "make program version")
PEERS = {}


class Job:
    """Images, where their thumbnails go, and a directory for what else is needed."""

    def __init__(self, images, out, work, words):
        self.images, self.out, self.work, self.bin, self.sharp = images, out, work, words.bin, words.sharp
        self.cpus = len(os.sched_getaffinity(0))

    def result_of(self, image):
        return self.out / f"{image.stem}.jpg"

    def listed(self):
        return "".join(f"{image}\n" for image in self.images)

    def in_batches(self, size, *command):
        """The command over so many images a process, a process a CPU, in the images' directory."""
        size = min(size, -(-len(self.images) // self.cpus))
        xargs = ["xargs", "-d", "\n", "-P", str(self.cpus), "-n", str(size), *command]
        names = "".join(f"{image.name}\n" for image in self.images)
        subprocess.run(xargs, input=names, text=True, cwd=self.images[0].parent)

    def imgq(self, *command, **options):
        """Its exit status is left alone: a bad image is for the table to tell."""
        return subprocess.run([self.bin / "imgq", *command], text=True, **options)


def peer(name, program, *version):
    def added(make):
        PEERS[name] = Peer(make, program, version)
        return make

    return added


def only_defaults(job):
    """imgq as it comes, whatever this user has configured."""
    for name in [name for name in os.environ if name.startswith("IMGQ_")]:
        del os.environ[name]
    os.environ.update(XDG_CONFIG_HOME=str(job.work), XDG_STATE_HOME=str(job.work))
    return ["--config", os.devnull]


@peer("imgq run", "imgq", "--version")
def imgq_run(job):
    job.imgq("run", *only_defaults(job), "-q", "-o", job.out, "--files-from", "-", input=job.listed())


@peer("imgqd (queue)", "imgqd", "--version")
def imgqd(job):
    """Submit, wait, end: a job is on disk before its id is told, its result before it counts as completed."""
    common = [*only_defaults(job), "--spool", job.work / "spool"]
    job.imgq("init", *common)
    daemon = subprocess.Popen([job.bin / "imgqd", *common])
    submitted = job.imgq("submit", *common, "--files-from", "-", input=job.listed(), stdout=subprocess.PIPE)
    (job.work / "ids").write_text(submitted.stdout)
    job.imgq("wait", *common, input=submitted.stdout, stdout=subprocess.DEVNULL)
    daemon.terminate()
    daemon.wait()


def fetch_from_spool(job):
    """imgqd's results into job.out: not part of what is measured."""
    common = [*only_defaults(job), "--spool", job.work / "spool"]
    job.imgq("get", *common, "-o", job.out, input=(job.work / "ids").read_text(), stdout=subprocess.DEVNULL)


@peer("vipsthumbnail", "vipsthumbnail", "--vips-version")
def vipsthumbnail(job):
    os.environ["VIPS_CONCURRENCY"] = "1"
    job.in_batches(50, "vipsthumbnail", "-s", "500x500>", "-o", f"{job.out}/%s.jpg[Q=80,strip]")


@peer("sharp", "node", "-p", "`sharp ${require('sharp').versions.sharp}, node ${process.version}`")
def sharp(job):
    os.environ.update(NODE_PATH=str(job.sharp / "node_modules"), UV_THREADPOOL_SIZE=str(2 * job.cpus))
    command = ["node", HERE / "sharp.js", str(2 * job.cpus), job.out]
    subprocess.run(command, input=job.listed(), text=True)


def thumbnail_by_pillow(image, result):
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = None
    with Image.open(image) as opened:
        opened.thumbnail((500, 500))
        opened = ImageOps.exif_transpose(opened)
        if opened.mode.startswith("I"):
            opened = opened.point(lambda value: value / 256).convert("L")
        if opened.mode not in ("RGB", "L"):
            opened = opened.convert("RGB")
        opened.save(result, "JPEG", quality=80)


@peer("Pillow", "/usr/bin/python3", "-c", "import PIL; print('Pillow', PIL.__version__)")
def pillow(job):
    import multiprocessing

    with multiprocessing.Pool(job.cpus) as pool:
        pool.starmap(thumbnail_by_pillow, [(image, job.result_of(image)) for image in job.images], 4)


@peer("GraphicsMagick", "gm", "version")
def graphicsmagick(job):
    os.environ["OMP_NUM_THREADS"] = "1"
    job.in_batches(25, "gm", "mogrify", "-output-directory", job.out, "-size", "1000x1000", "-auto-orient",
                   "-thumbnail", "500x500>", "-quality", "80", "-format", "jpg")


@peer("ImageMagick", "mogrify", "-version")
def imagemagick(job):
    os.environ.update(MAGICK_THREAD_LIMIT="1", OMP_NUM_THREADS="1")
    job.in_batches(25, "mogrify", "-path", job.out, "-define", "jpeg:size=1000x1000", "-auto-orient",
                   "-thumbnail", "500x500>", "-quality", "80", "-format", "jpg")


def version_of(name, words):
    """What the peer says of its version; nothing when it is not here."""
    _, program, version = PEERS[name]
    path = words.bin / program if program.startswith("imgq") else program
    environment = {**os.environ, "NODE_PATH": f"{words.sharp}/node_modules"}
    try:
        asked = subprocess.run([path, *version], capture_output=True, text=True, env=environment, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return " ".join(asked.stdout.splitlines()[0].removeprefix("Version: ").split()[:4])
