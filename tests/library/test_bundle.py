"""What `cmake --build build --target bundle` packs, moved to a folder with a blank in its name, where the build
folder and this machine's own copies of the libraries cannot be read.

The environment names GCR_BUILD (a complete build) and GCR_SOURCE. Hiding needs a mount namespace: without the
right to one the same is read from what the loader says.
"""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

build = os.environ["GCR_BUILD"]
source = os.environ["GCR_SOURCE"]
SKIPPED = 77
HIDE = """
set -e
build=$1 libraries=$2
shift 2
mount -t tmpfs none "$build"
for library in $libraries; do mount --bind /dev/null "$library"; done
exec "$@"
"""
OF_LIBC = r"(linux-vdso|lib(c|m|mvec|dl|rt|pthread|resolv|util|anl)|/lib64/ld-linux-x86-64)\.so\.\d+"
JOB = """
name: small
data: {synthetic: {datasets: 3, rows: 12}}
kernel: gp
grid: {lengthscale: [1, 2], noise: 0.1, variance: 1}
"""


def may_unshare():
    return subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "true"],
                          capture_output=True).returncode == 0


class Bundle(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.mkdtemp(prefix="gridcrunch ")
        cls.addClassCleanup(shutil.rmtree, cls.scratch)
        made = os.path.join(cls.scratch, "made")
        subprocess.run(["cmake", "-DSOURCE=" + source, "-DBUILD=" + build, "-DFOLDER=" + made,
                        "-DIS_PACKED=NO", "-P", source + "/cmake/bundle.cmake"], check=True, capture_output=True)
        cls.bundle = cls.scratch + "/moved here"
        os.rename(made, cls.bundle)
        cls.libexec = cls.bundle + "/libexec/gridcrunch/"
        cls.hides = may_unshare()

    def programs(self):
        paths = [self.bundle + "/bin/gridcrunch"]
        paths += [self.libexec + name for name in os.listdir(self.libexec) if "." not in name]
        return paths

    def loaded(self, path, **environment):
        """What the loader finds for a program or library, by name."""
        done = subprocess.run(["/lib64/ld-linux-x86-64.so.2", "--list", path], env=environment,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return dict(re.findall(r"^\s*(\S+)(?: => (.+?))? \(0x", done.stdout, re.M))

    def system_copies(self):
        """This machine's files of the libraries that the bundle has."""
        listed = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True).stdout
        ours = set(os.listdir(self.bundle + "/lib"))
        found = re.findall(r"^\s*(\S+) \(.*=> (\S+)$", listed, re.M)
        return sorted({os.path.realpath(path) for name, path in found if name in ours})

    def run_alone(self, *command, expect=0, **environment):
        """With nothing of this machine but what every Linux has."""
        if self.hides:
            command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", HIDE, "sh",
                       build, " ".join(self.system_copies()), *command]
        folder = tempfile.mkdtemp(dir=self.scratch)
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder,
                              env={"PATH": "/usr/bin:/bin", "HOME": folder, **environment})
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_libraries_come_from_the_bundle_or_from_libc_alone(self):
        self.assertIn("libopenblas.so.0", os.listdir(self.bundle + "/lib"))
        for path in self.programs():
            for name, found in self.loaded(path).items():
                if not re.fullmatch(OF_LIBC, name):
                    self.assertTrue(os.path.realpath(found).startswith(self.bundle), f"{path}: {name} {found}")

    def test_hiding_hides(self):
        if not self.hides:
            self.skipTest("no right to a mount namespace")
        if not os.path.exists(build + "/gridcrunch"):
            self.skipTest("no program in the build folder")
        self.run_alone(build + "/gridcrunch", "--version", expect=127)  # not found by exec of sh

    def test_the_program_computes_a_job_with_results_and_reads_files_of_others(self):
        with open(self.bundle + "/job.yaml", "w") as file:
            file.write(JOB)
        self.assertIn("6 ok", self.run_alone(self.bundle + "/bin/gridcrunch", "run",
                                             self.bundle + "/job.yaml", "--device", "cpu"))
        shutil.copy(source + "/tests/data/groups.h5", self.bundle)
        with open(self.bundle + "/job.yaml", "w") as file:
            file.write(JOB.replace("{synthetic: {datasets: 3, rows: 12}}", "{source: groups.h5}"))
        self.assertIn("datasets", self.run_alone(self.bundle + "/bin/gridcrunch", "plan",
                                                 self.bundle + "/job.yaml"))

    def test_the_module_is_found_by_the_program_and_by_the_tests(self):
        if not os.path.exists(self.bundle + "/lib/libgridcrunch_cuda.so"):
            self.skipTest("a build without the module for GPUs")
        devices = self.run_alone(self.bundle + "/bin/gridcrunch", "devices")
        self.assertRegex(devices, r"(?m)^cuda(:0| +no CUDA device: )")
        if "no CUDA device" in devices:
            said = self.run_alone(self.libexec + "test_contract_crunch", "cuda", expect=SKIPPED)
            self.assertIn("no CUDA device", said)

    def test_contract_tests_pass(self):
        tests = [path for path in self.programs() if "test_contract_" in path]
        self.assertNotEqual(tests, [])
        for test in tests:
            self.run_alone(test, "cpu")

    def test_the_check_of_a_gpu_runs_from_the_bundle(self):
        out = os.path.join(self.scratch, "checked")
        said = self.run_alone(self.bundle + "/scripts/gpu-check", "--part", "contract", "--part",
                              "agreement", out, GCR_CHECK_DEVICE="cpu", GRIDCRUNCH_CC="none")
        self.assertRegex(said, r"(?m)^contract +ok")
        self.assertRegex(said, r"(?m)^agreement +ok")

    def test_benchmarks_and_examples_are_there(self):
        self.run_alone(self.bundle + "/bin/gridcrunch", "bench", "start", "--quick")
        for name in ("ewma.c", "fertility.yaml"):
            self.assertTrue(os.path.exists(f"{self.bundle}/share/doc/gridcrunch/examples/{name}"))


if __name__ == "__main__":
    unittest.main()
