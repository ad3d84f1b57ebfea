#!/usr/bin/python3
"""How near thumbnails are to what their source should have become.

usage: quality.py SOURCE RESULT...

For each result a line: PSNR in dB, SSIM, both of luma, and its name. The reference is a full decode
and a Lanczos reduction, exact in floating point. For images that are grey or RGB, without alpha or a
profile: of others the colours are a matter of opinion.
"""

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


def reduced_down(plane, to):
    """The columns reduced to `to` rows by Lanczos with three lobes; beyond the edge is what is on it."""
    step = len(plane) / to
    out = numpy.empty((to, plane.shape[1]), "float32")
    for row in range(to):
        centre = (row + 0.5) * step
        taken = numpy.arange(int(centre - 3 * step - 1), int(centre + 3 * step + 2))
        distance = (taken + 0.5 - centre) / step
        weights = numpy.where(abs(distance) < 3, numpy.sinc(distance) * numpy.sinc(distance / 3), 0)
        out[row] = (weights / weights.sum()).astype("float32") @ plane[taken.clip(0, len(plane) - 1)]
    return out


def reduced(plane, height, width):
    return reduced_down(reduced_down(plane, height).T, width).T.clip(0, 255)


def psnr(a, b):
    """At most 99.99: more is a difference that nobody stored."""
    error = ((a - b) ** 2).mean(dtype="float64")
    return min(99.99, float(10 * numpy.log10(255**2 / error))) if error > 0 else 99.99


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
