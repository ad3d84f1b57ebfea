"""That tests/bench/quality.py measures rightly: against arithmetic, and against Pillow's own reduction."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
try:
    import numpy
    from PIL import Image

    import quality
except ImportError as missing:
    print(f"{missing}: packaging/install-packages bench")
    sys.exit(77)


def noise(height, width, seed=1):
    return numpy.random.RandomState(seed).uniform(0, 255, (height, width)).astype("float32")


class Quality(unittest.TestCase):
    def test_the_reduction_is_that_of_pillow_in_floating_point(self):
        for size in ((50, 40), (33, 77), (100, 100)):
            plane = noise(150, 210)
            theirs = numpy.asarray(Image.fromarray(plane).resize(size[::-1], Image.Resampling.LANCZOS)).clip(0, 255)
            ours = quality.reduced(plane, *size)
            self.assertLess(abs(ours - theirs)[6:-6, 6:-6].max(), 0.02, size)  # at the edges Pillow leaves taps out

    def test_one_off_everywhere_is_48_13_db(self):
        plane = noise(30, 30)
        self.assertAlmostEqual(48.1308, quality.psnr(plane, plane + 1), places=3)
        self.assertEqual(99.99, quality.psnr(plane, plane))

    def test_ssim_is_one_for_the_same_and_what_its_formula_says_for_an_offset(self):
        plane = noise(40, 40)
        self.assertAlmostEqual(1, quality.ssim(plane, plane))
        flat = numpy.full((20, 20), 100, "float32")
        expected = (2 * 100 * 120 + 6.5025) / (100**2 + 120**2 + 6.5025)  # without variance only means count
        self.assertAlmostEqual(expected, quality.ssim(flat, flat + 20), places=6)

    def test_an_image_is_compared_upright_and_one_with_alpha_not_at_all(self):
        with tempfile.TemporaryDirectory() as place:
            upright = Image.fromarray(noise(64, 96).astype("uint8"))
            exif = Image.Exif()
            exif[0x0112] = 6  # to be turned by a quarter to the right
            upright.transpose(Image.Transpose.ROTATE_90).save(f"{place}/turned.png", exif=exif)
            upright.save(f"{place}/upright.png")
            upright.convert("LA").save(f"{place}/alpha.png")
            [(decibels, alike)] = quality.compared(f"{place}/turned.png", [f"{place}/upright.png"])
            self.assertGreater(decibels, 99)
            self.assertAlmostEqual(1, alike)
            self.assertEqual([None], list(quality.compared(f"{place}/alpha.png", [f"{place}/upright.png"])))


if __name__ == "__main__":
    unittest.main()
