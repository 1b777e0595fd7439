"""scripts/gpu-check: on this machine, its CPU in place of a GPU; and over programs that do what a test wants."""
import os
import re
import stat
import subprocess
import tempfile
import unittest

source = os.environ["GCR_SOURCE"]
build = os.path.dirname(os.environ["GRIDCRUNCH"])
script = source + "/scripts/gpu-check"
SKIPPED = 77

PROGRAM = """#!/bin/sh
case "$1 $2" in
"devices --calibrate") mkdir -p "$GRIDCRUNCH_CACHE"; echo "8 rows" >&2; echo "f64 rows 8" >"$GRIDCRUNCH_CACHE/crossovers-a.txt"; exit $CEILINGS ;;
devices*) echo "cpu"; echo "$DEVICES" ;;
"bench ") printf 'ceilings\\ntransfer\\nverdicts\\n' ;;
"bench ceilings") echo "rows"; echo "ratio ceilings copy 4.2"; exit $CEILINGS ;;
"bench transfer") echo "$@" ;;
"bench verdicts") echo "a sentence" >&2; sleep "$SLEEP" ;;
esac
"""
TEST = '#!/bin/sh\necho "$0 $*"; [ "$2" = f64 ] || exit $CONTRACT\n'


class GpuCheck(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="gridcrunch ")
        self.addCleanup(scratch.cleanup)
        self.scratch = scratch.name
        self.out = self.scratch + "/out"

    def write(self, path, text):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)

    def check(self, *args, cwd=None, **environment):
        """Over programs of the test."""
        self.write(self.scratch + "/build/gridcrunch", PROGRAM)
        for name in ("a", "bridge", "transfer"):
            self.write(self.scratch + "/build/tests/test_contract_" + name, TEST)
        words = {"DEVICES": "cuda:0 a GPU", "CEILINGS": "0", "SLEEP": "0", "CONTRACT": "0"}
        words["GCR_BUILD"] = self.scratch + "/build"
        return self.run_script(*args, cwd=cwd, **{**words, **environment})

    def run_script(self, *args, cwd=None, **environment):
        done = subprocess.run([script, *args, self.out], capture_output=True, text=True, cwd=cwd,
                              env={**os.environ, **environment})
        return done.returncode, done.stdout, done.stderr

    def read(self, name):
        with open(f"{self.out}/{name}") as file:
            return file.read()

    def parts(self, *names):
        return [word for name in names for word in ("--part", name)]

    def test_no_gpu_is_one_sentence_and_a_skip(self):
        code, said, why = self.check(DEVICES="cuda   no CUDA device: driver not found")
        self.assertEqual((code, said), (SKIPPED, ""))
        self.assertRegex(why, r"^gpu-check: cuda +no CUDA device: driver not found\n$")
        self.assertFalse(os.path.exists(self.out))

    def test_a_part_that_fails_does_not_stop_the_others_and_decides_the_exit_code(self):
        code, said, _ = self.check(*self.parts("ceilings", "transfer"), CEILINGS="3")
        self.assertEqual(code, 1)
        self.assertRegex(said, r"(?m)^ceilings +FAILED \(3\)")
        self.assertRegex(said, r"(?m)^transfer +ok")
        self.assertIn("bench transfer --device cuda\n", self.read("transfer.csv"))

    def test_a_contract_that_breaks_in_one_precision_is_a_failure(self):
        code, said, _ = self.check(*self.parts("contract"), CONTRACT="5")
        self.assertEqual(code, 1)
        self.assertRegex(said, r"(?m)^contract +FAILED \(5\)")
        self.assertIn("test_contract_a cuda f32", self.read("contract.csv"))

    def test_contracts_are_asked_in_both_precisions_but_for_those_that_have_none(self):
        code, _, _ = self.check(*self.parts("contract"))
        self.assertEqual(code, 0)
        ran = [line.split()[2:] for line in self.read("contract.csv").splitlines()
               if line.startswith("# command")]
        self.assertEqual(ran, [["test_contract_a", "cuda", "f64"], ["test_contract_a", "cuda", "f32"],
                               ["test_contract_transfer", "cuda", "f64"]])

    def test_what_a_build_has_not_is_skipped_with_a_sentence(self):
        code, said, _ = self.check(*self.parts("factor", "large"))
        self.assertEqual(code, 0)
        self.assertRegex(said, r"(?m)^factor +skipped .*this build has no bench factor$")

    def test_files_say_what_ran_where_and_when_and_ratios_come_last(self):
        code, said, _ = self.check(*self.parts("ceilings"))
        self.assertEqual(code, 0)
        head = self.read("ceilings.csv")
        for word in ("part", "date", "commit", "gpu", "machine", "system", "load", "command"):
            self.assertRegex(head, rf"(?m)^# {word} +")
        self.assertIn("    ratio ceilings copy 4.2\n", said)
        self.assertIn("ratio ceilings copy 4.2\n", self.read("summary.txt"))

    def test_a_calibration_leaves_its_table_and_nothing_for_other_runs(self):
        kept = self.scratch + "/kept"
        code, said, _ = self.check(*self.parts("calibrate"), GRIDCRUNCH_CACHE=kept)
        self.assertEqual(code, 0, said)
        self.assertRegex(self.read("calibrate.csv"), r"(?m)^8 rows\n(.*\n)*table f64 rows 8$")
        self.assertEqual(self.read("crossovers.txt"), "f64 rows 8\n")
        self.assertFalse(os.path.exists(kept))
        self.assertNotIn("calibration", os.listdir(self.out))

    def test_a_calibration_that_fails_leaves_no_table(self):
        code, said, _ = self.check(*self.parts("calibrate"), CEILINGS="3")
        self.assertEqual(code, 1)
        self.assertRegex(said, r"(?m)^calibrate +FAILED \(3\)")
        self.assertFalse(os.path.exists(self.out + "/crossovers.txt"))

    def test_a_cpu_has_nothing_to_calibrate(self):
        code, said, _ = self.check(*self.parts("calibrate"), GCR_CHECK_DEVICE="cpu")
        self.assertEqual(code, 0)
        self.assertRegex(said, r"(?m)^calibrate +skipped .*a CPU has nothing to calibrate$")

    def test_a_part_that_takes_longer_than_it_may_has_failed(self):
        code, said, _ = self.check(*self.parts("verdicts", "ceilings"), SLEEP="600",
                                   GCR_CHECK_LIMIT="3")
        self.assertEqual(code, 1)
        self.assertRegex(said, r"(?m)^verdicts +out of time .* a sentence$")
        self.assertRegex(said, r"(?m)^gpu-check: passed 1 of 2, FAILED: verdicts; ")

    def test_a_part_that_is_cut_short_for_want_of_time_is_no_failure(self):
        code, said, _ = self.check(*self.parts("verdicts"), SLEEP="600",
                                   GCR_CHECK_SECONDS="4")
        self.assertEqual(code, 0)
        self.assertRegex(said, r"(?m)^verdicts +not run .* cut short after [34] s of 40; "
                               r"ask for it alone: --part verdicts$")
        self.assertRegex(said, r"(?m)^gpu-check: passed 0 of 1, not run: verdicts; ")

    def test_a_part_that_somebody_kills_has_failed(self):
        code, said, _ = self.check(*self.parts("ceilings"), CEILINGS="137", GCR_CHECK_SECONDS="5")
        self.assertEqual(code, 1)
        self.assertRegex(said, r"(?m)^ceilings +FAILED \(137\)")

    def test_a_part_for_which_no_time_is_left_is_said_and_no_failure(self):
        code, said, _ = self.check(*self.parts("transfer"), GCR_CHECK_SECONDS="1")
        self.assertEqual(code, 0)
        self.assertRegex(said, r"(?m)^transfer +not run .* no time left; ask for it alone: --part transfer$")
        self.assertRegex(said, r"(?m)^gpu-check: passed 0 of 1, not run: transfer; ")

    def test_a_build_folder_may_be_named_from_where_one_is(self):
        code, said, _ = self.check(*self.parts("transfer"), cwd=self.scratch, GCR_BUILD="build")
        self.assertEqual(code, 0)
        self.assertRegex(said, r"(?m)^transfer +ok")

    def sanitize(self, part, says):
        """By a sanitizer that says so much, and finds something where that is `race`."""
        tool = '#!/bin/sh\necho "$*"; echo "%s"; [ "%s" != race ] || exit 9\n' % (says, says)
        self.write(self.scratch + "/tools/compute-sanitizer", tool)
        return self.check(*self.parts(part), PATH=self.scratch + "/tools:" + os.environ["PATH"])

    def test_sanitizers_look_at_cells_and_contracts_and_a_machine_may_refuse_them(self):
        for says, code, result in (("fine", 0, "ok"), ("race", 1, "FAILED"),
                                   ("Error: Device not supported", 0, "skipped")):
            got, said, _ = self.sanitize("memcheck", says)
            self.assertEqual(got, code, said)
            self.assertRegex(said, rf"(?m)^memcheck +{result}")
            self.assertIn("--report-api-errors no", self.read("memcheck.csv"))

    def test_each_sanitizer_has_what_it_has_time_for(self):
        cells = {"memcheck": ["sizes", "floats", "ladder", "whole"], "racecheck": ["sizes"],
                 "synccheck": ["sizes"]}
        for part, jobs in cells.items():
            self.sanitize(part, "fine")
            ran = self.read(part + ".csv")
            self.assertEqual(re.findall(rf"(?m)^--tool {part} .* run (\w+)\.yaml ", ran), jobs)
            self.assertRegex(ran, rf"(?m)^--tool {part} .*/test_contract_crunch cuda$")
            self.assertEqual([name for name in os.listdir(self.out) if name.endswith(".yaml")], [])

    def test_a_part_that_does_not_exist_is_refused_by_name(self):
        code, _, why = self.check("--part", "celings")
        self.assertEqual(code, 2)
        self.assertIn("'celings' is no part; these are: contract agreement", why)

    @unittest.skipUnless(os.path.isdir(build + "/bench"), "a build without benchmarks")
    def test_the_cpu_passes_in_place_of_a_gpu(self):
        code, said, why = self.run_script(*self.parts("contract", "agreement", "cell", "transfer",
                                                      "residency", "overlap", "large", "ceilings"),
                                          GCR_BUILD=build, GCR_CHECK_DEVICE="cpu")
        self.assertEqual(code, 0, said + why)
        self.assertRegex(said, r"(?m)^contract +ok")
        self.assertRegex(said, r"(?m)^agreement +ok")
        self.assertIn("ratio agreement end_to_end", said)
        self.assertNotIn("FAILED", said)


if __name__ == "__main__":
    unittest.main()
