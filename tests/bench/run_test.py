"""That tests/bench measures what it says, and refuses what it cannot; by ctest, without any peer."""

import importlib.machinery
import importlib.util
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import unittest.mock
import xml.etree.ElementTree

HERE = pathlib.Path(__file__).resolve().parent
BIN = pathlib.Path(os.environ.get("IMGQ_BIN", HERE.parents[1] / "build/dev/bin")).resolve()
SAMPLES = HERE.parents[1] / "samples/photos"
sys.path.insert(0, str(HERE))


def program(name):
    """A program of this directory as a module: they have no .py in their names."""
    loader = importlib.machinery.SourceFileLoader(name, str(HERE / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


run, instructions = program("run"), program("instructions")
import chart  # noqa: E402


def asked(*words, **environment):
    command, environment = [HERE / "run", *map(str, words)], {**os.environ, **environment}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    return done.returncode, done.stdout, done.stderr


class Refusals(unittest.TestCase):
    def assert_refused(self, code, why, *words, **environment):
        answer, out, err = asked(*words, **environment)
        self.assertEqual((code, out), (answer, ""), err)
        self.assertIn(why, err)
        self.assertEqual(1, err.count("\n"), err)

    def test_what_it_does_not_understand(self):
        self.assert_refused(64, "--speed", "--speed")
        self.assert_refused(64, "'0' is no number from 1 on", "--rounds", "0")
        self.assert_refused(64, "'-1' is no number from 0 on", "--sample", "-1")
        self.assert_refused(64, "'gimp' is none of: imgq run; imgqd (queue)", "--peers", "gimp")
        self.assert_refused(64, "'imgq' is more than one of", "--peers", "imgq")
        self.assert_refused(64, "there is no directory for '/nowhere/a'", "--svg", "/nowhere/a")
        only = ["--bin", BIN, "--peers", "imgq run"]
        self.assert_refused(64, "'Pillow' is none of: imgq run", *only, "--reference", "Pillow")

    def test_what_is_not_there(self):
        answer, _, err = asked("--bin", BIN, "--peers", "imgq run", "--corpus", "/proc/nowhere", "web:1")
        self.assertEqual(69, answer)
        self.assertRegex(err, "run: the images of web could not be made\n$")
        self.assert_refused(69, "not here: imgq run; imgqd (queue)", "--bin", "/nowhere", "--peers", "imgq r, imgqd")
        self.assert_refused(69, "not here: imgq run", "--bin", "/nowhere")
        self.assert_refused(69, "not here: sharp", "--bin", BIN, "--peers", "imgq run,sharp", "--sharp", "/nowhere")
        ours = ["--bin", BIN, "--peers", "imgq run"]
        self.assert_refused(64, "'web:0' is no set with a number", *ours, "web:0")
        self.assert_refused(64, "'tiny:' is no set with a number", *ours, "tiny:")
        self.assert_refused(66, "'pictures' is neither a directory nor one of photos, web", *ours, "pictures")
        with tempfile.TemporaryDirectory() as empty:
            self.assert_refused(66, "no image in", *ours, empty)
            self.assert_refused(1, "No such file or directory", *ours, empty, TMPDIR="/nowhere")
            (pathlib.Path(empty) / "a.jpg").write_text("not an image")
            answer, _, err = asked(*ours, empty)
            self.assertEqual(1, answer)
            self.assertRegex(err, "imgq run made nothing:\n(.*\n)*.*a?0.jpg")


class Measuring(unittest.TestCase):
    def setUp(self):
        self.log = tempfile.TemporaryFile("w+")
        self.addCleanup(self.log.close)

    def test_what_outlives_its_parent_is_counted(self):
        burn = "import time\nwhile time.process_time() < 0.4: pass"

        def daemon():
            subprocess.Popen([sys.executable, "-c", burn], start_new_session=True)

        figures = run.measured(daemon, self.log)
        self.assertGreater(figures["cpu"], 0.4)
        self.assertLess(figures["cpu"], 0.9)

    def test_memory_is_that_of_all_together(self):
        hold = "import sys\nkept = b'x' * 40_000_000\nprint('held', flush=True)\nsys.stdin.read()"

        def two():
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            children = [subprocess.Popen([sys.executable, "-c", hold], **pipes) for _ in range(2)]
            for child in children:
                child.stdout.readline()
            time.sleep(1)  # in which it is looked at some twenty times
            for child in children:
                child.communicate()

        figures = run.measured(two, self.log, watch_memory=True)
        self.assertGreater(figures["memory"], 80e6)
        self.assertLess(figures["memory"], 160e6)
        self.assertGreater(figures["wall"], 1)
        self.assertLess(figures["cpu"], 1)

    def test_a_process_that_stays_is_no_result_and_is_killed(self):
        def leave():
            subprocess.Popen(["sleep", "60"], start_new_session=True)

        with unittest.mock.patch.object(run, "LEFT_BEHIND_S", 0.2):
            with self.assertRaisesRegex(RuntimeError, "left processes behind"):
                run.measured(leave, self.log)
        self.assertEqual(-signal.SIGKILL, os.waitstatus_to_exitcode(os.wait()[1]))


def figures(cpu, wall, made=10, size=1000, memory=0):
    return {"cpu": cpu, "wall": wall, "made": made, "bytes": size, "memory": memory}


class Arithmetic(unittest.TestCase):
    ROUNDS = {
        "imgq run": [figures(1.0, 2.0, memory=30e6), figures(2.0, 4.0), figures(1.5, 9.0)],
        # Twice, three times and four times as much CPU in its rounds; once it made one less.
        "other": [figures(2.0, 1.0, size=5000), figures(6.0, 4.0, made=9), figures(6.0, 4.5, size=4500, made=9)],
    }

    def rows(self):
        return list(run.rows_of(self.ROUNDS, "imgq run", 10))

    def test_medians_of_rounds_and_of_ratios_within_them(self):
        own, other = self.rows()
        of = ("cpu_ms", "images_per_s", "cpu_ratio", "wall_ratio")
        self.assertEqual((150, 2.5, 1, 1), tuple(own[name] for name in of))
        self.assertEqual((600, 2.5, 3, 0.5), tuple(other[name] for name in of))
        self.assertEqual((30, 0.1, 9, 0.5), (own["memory_mb"], own["kb"], other["made"], other["kb"]))

    def test_the_table_brackets_walls_of_a_busy_machine_and_tells_of_missing_results(self):
        good = {"imgq run": (43.21, 0.98765)}
        quiet = list(run.table_of(self.rows(), good, "imgq run", 10, True))
        busy = list(run.table_of(self.rows(), good, "imgq run", 10, False))
        self.assertEqual("| imgq run | 150.00 | 1.00 | 2.50 | 1.00 | 30 | 0.1 | 43.21 | 0.9877 |", quiet[2])
        self.assertEqual("| other, 9 of 10 | 600.00 | 3.00 | 2.50 | 0.50 | 0 | 0.5 | - | - |", quiet[3])
        self.assertEqual("| imgq run | 150.00 | 1.00 | (2.50) | (1.00) | 30 | 0.1 | 43.21 | 0.9877 |", busy[2])
        self.assertEqual({line.count("|") for line in quiet}, {10})

    def test_quiet_is_a_load_of_the_peers_own(self):
        self.assertTrue(run.is_quiet(3.0, 2))
        self.assertFalse(run.is_quiet(3.1, 2))
        self.assertTrue(run.is_quiet(3.1, 4))

    def test_bars_are_as_long_as_their_values(self):
        rows = [("imgq run", 80.0), ("a & b", 20.0)]
        drawn = xml.etree.ElementTree.fromstring(chart.draw([("<own>", rows)], ["note"]))
        bars = [bar for bar in drawn.iter("{http://www.w3.org/2000/svg}rect") if bar.get("class") != "page"]
        self.assertEqual(["own", "peer"], [bar.get("class") for bar in bars])
        self.assertAlmostEqual(4, float(bars[0].get("width")) / float(bars[1].get("width")), places=2)
        texts = [text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
        self.assertLessEqual({"<own>", "imgq run", "a & b", "80", "20", "note"}, set(texts))


class Instructions(unittest.TestCase):
    def test_three_per_cent_above_is_slower_and_not_less(self):
        known = {"same": 1000, "slower": 1000, "quicker": 1000, "gone": 5}
        lines, wrong = instructions.compared(known, {"same": 1030, "slower": 1031, "quicker": 900, "new": 7})
        self.assertEqual(3, wrong)
        self.assertEqual(["| same | 1,030 | 1,000 | +3.0 % |  |", "| slower | 1,031 | 1,000 | +3.1 % | SLOWER |",
                          "| quicker | 900 | 1,000 | -10.0 % | quicker |", "| gone | - | 5 | - | gone |",
                          "| new | 7 | - | - | new |"], lines[2:])

    def test_rows_are_read_as_they_are_written_each_kind_of_machine_by_itself(self):
        kinds = {"bookworm gcc-12 x86_64": {"b/1": 2, "a": 1}, "trixie gcc-14 aarch64": {"a": 3}}
        self.assertEqual(kinds, instructions.read_rows(instructions.write_rows(kinds)))

    def test_without_the_program_it_says_so(self):
        done = subprocess.run([HERE / "instructions", "--bin", "/nowhere"], capture_output=True, text=True)
        self.assertEqual(69, done.returncode)
        self.assertIn("see --help", done.stderr)


class WholeRun(unittest.TestCase):
    def test_imgq_and_its_queue_on_a_directory_of_ones_own(self):
        with tempfile.TemporaryDirectory() as place:
            code, out, err = asked(SAMPLES, "--bin", BIN, "--peers", "imgq run, imgqd", "--rounds", 1, "--sample", 0,
                                   "--json", f"{place}/lines", "--svg", f"{place}/chart.svg")
            self.assertEqual(0, code, err)
            head, *lines = map(json.loads, pathlib.Path(f"{place}/lines").read_text().splitlines())
            self.assertEqual(["imgq run", "imgqd (queue)"], [line["peer"] for line in lines])
            self.assertIn("imgq ", head["versions"]["imgq run"])
            for line in lines:
                self.assertEqual((6, 6), (line["images"], line["made"]))
                self.assertGreater(line["memory"], 1e6)
                self.assertGreater(line["cpu"], 0)
                self.assertGreater(line["bytes"], 3000)
            self.assertEqual(2, sum(row.startswith("| imgq") for row in out.splitlines()), out)
            self.assertEqual(4, len(xml.etree.ElementTree.parse(f"{place}/chart.svg").findall(".//*[@class='own']")))


if __name__ == "__main__":
    unittest.main()
