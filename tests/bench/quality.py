#!/usr/bin/python3
"""How near thumbnails are to what their source should have become.

usage: quality.py SOURCE RESULT...

For each result a line: PSNR in dB, SSIM, both of luma, and its name. The reference is a full decode
and a Lanczos reduction, exact in floating point. For images that are grey or RGB, without alpha or a
profile: of others the colours are a matter of opinion.
"""

import functools
import sys

import numpy
from PIL import Image, ImageOps

Image.MAX_IMAGE_PIXELS = None


def luma(path):
    """Rows of Y (ITU-R BT.601), upright; nothing where the colours need judgement."""
    with Image.open(path) as image:
        if image.mode not in ("L", "RGB") or image.info.keys() & {"icc_profile", "transparency"}:
            return None
        pixels = numpy.asarray(ImageOps.exif_transpose(image), "float32")
    return pixels if pixels.ndim == 2 else pixels @ numpy.float32([0.299, 0.587, 0.114])


@functools.lru_cache(8)
def reduction(of, to):
    """The matrix that takes `of` samples to `to` of them by Lanczos with three lobes, clamped at the edges."""
    step = of / to
    offset = numpy.arange(-int(3 * step) - 2, int(3 * step) + 3)
    centre = (numpy.arange(to)[:, None] + 0.5) * step
    taken = numpy.floor(centre).astype(int) + offset
    distance = (taken + 0.5 - centre) / max(1, step)
    weight = numpy.where(abs(distance) < 3, numpy.sinc(distance) * numpy.sinc(distance / 3), 0)
    matrix = numpy.zeros((to, of))
    numpy.add.at(matrix, (numpy.arange(to)[:, None], taken.clip(0, of - 1)), weight)
    return (matrix / matrix.sum(1, keepdims=True)).astype("float32")


def reduced(plane, height, width):
    (rows, columns) = plane.shape
    return (reduction(rows, height) @ plane @ reduction(columns, width).T).clip(0, 255)


def psnr(a, b):
    return float(10 * numpy.log10(255**2 / max(((a - b) ** 2).mean(dtype="float64"), 1e-9)))


def blurred(plane):
    """By a Gaussian of 1.5 pixels over eleven, where all of it lies inside."""
    kernel = numpy.exp(-((numpy.arange(11) - 5) ** 2) / 4.5)
    for _ in range(2):
        plane = numpy.lib.stride_tricks.sliding_window_view(plane, 11, 0) @ (kernel / kernel.sum())
        plane = plane.T
    return plane


def ssim(a, b):
    """Wang, Bovik, Sheikh, Simoncelli: Image quality assessment (2004), with their constants."""
    a, b = a.astype("float64"), b.astype("float64")
    mean_a, mean_b = blurred(a), blurred(b)
    var_a, var_b = blurred(a * a) - mean_a**2, blurred(b * b) - mean_b**2
    both = blurred(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    alike = (2 * mean_a * mean_b + c1) * (2 * both + c2) / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))
    return float(alike.mean())


def compared(source, results):
    """For each result (PSNR, SSIM); nothing for those that cannot be compared."""
    plane = luma(source)
    for result in results:
        made = luma(result) if plane is not None else None
        if made is None or min(made.shape) < 11:
            yield None
        else:
            wanted = reduced(plane, *made.shape)
            yield psnr(wanted, made), ssim(wanted, made)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: quality.py SOURCE RESULT...")
    for name, found in zip(sys.argv[2:], compared(sys.argv[1], sys.argv[2:])):
        print("{:.2f} {:.5f}".format(*found) if found else "- -", name)
