"""What `cmake --install` leaves, in a folder with a blank in its name, and what is built with it.

The environment names GCR_BUILD (a complete build) and GCR_SOURCE; where the build has sanitizers,
GCR_SANITIZE names them, and programs that use its library have them too.
"""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

build = os.environ["GCR_BUILD"]
source = os.environ["GCR_SOURCE"]
sanitizers = os.environ.get("GCR_SANITIZE", "")
sanitize = ["-fsanitize=" + sanitizers] if sanitizers else []
strict = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", *sanitize]


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def read(path):
    with open(path) as file:
        return file.read()


def find(folder, name):
    for path, folders, files in os.walk(folder):
        if name in files + folders:
            return os.path.join(path, name)
    raise AssertionError(f"{name} is not in {folder}")


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.mkdtemp(prefix="gridcrunch ")
        cls.addClassCleanup(shutil.rmtree, cls.scratch)
        first = os.path.join(cls.scratch, "first")
        run("cmake", "--install", build, "--prefix", first)
        cls.prefix = os.path.join(cls.scratch, "moved here")  # an installation can be moved
        os.rename(first, cls.prefix)
        cls.shared_object = find(cls.prefix, "libgridcrunch.so")
        cls.environment = {
            **os.environ,
            "PKG_CONFIG_PATH": os.path.dirname(find(cls.prefix, "gridcrunch.pc")),
            "LD_LIBRARY_PATH": os.path.dirname(cls.shared_object),
        }

    def example(self, name):
        folder = os.path.join(self.scratch, name)
        shutil.copytree(os.path.join(find(self.prefix, "examples"), "library"), folder)
        return folder

    def compute(self, program):
        """Eight countries, each with its best point: the same whoever built the program."""
        folder = tempfile.mkdtemp(dir=self.scratch)
        lines = run(program, folder, env=self.environment).splitlines()
        self.assertEqual(len(lines), 8)
        self.assertRegex(lines[5], r"^Japan +-\d+\.\d{4}  lengthscale=\S+ noise=\S+ variance=\S+$")
        self.assertEqual(sorted(os.listdir(folder)), ["results.h5", "summary.csv"])
        return lines

    def test_the_example_is_built_by_pkg_config_by_find_package_and_as_cxx_and_they_agree(self):
        made = self.example("by make")
        run("make", "CFLAGS=-std=c17 " + " ".join(strict), cwd=made, env=self.environment)
        lines = self.compute(os.path.join(made, "fertility"))

        found = self.example("by cmake")
        run("cmake", "-S", found, "-B", found + "/build", "-DCMAKE_PREFIX_PATH=" + self.prefix,
            "-DCMAKE_C_FLAGS=" + " ".join(strict))
        run("cmake", "--build", found + "/build")
        self.assertEqual(self.compute(found + "/build/fertility"), lines)

        if shutil.which("c++") is None:
            self.skipTest("there is no C++ compiler")
        flags = run("pkg-config", "--cflags", "--libs", "gridcrunch", env=self.environment)
        program = os.path.join(self.scratch, "fertility-cxx")
        run("sh", "-c", f'c++ -std=c++20 {" ".join(strict)} -x c++ "$1" -x none -o "$2" {flags}',
            "sh", made + "/fertility.c", program)
        self.assertEqual(self.compute(program), lines)

    def test_the_shared_library_shows_what_the_headers_declare_and_nothing_else(self):
        symbols = run("nm", "-D", self.shared_object)
        shown = set(re.findall(r"^[0-9a-f]+ [A-TV-Z] (\w+)", symbols, re.M))
        headers = os.path.join(self.prefix, "include/gridcrunch")
        text = "".join(read(os.path.join(headers, name)) for name in os.listdir(headers)
                       if not name.startswith(("kernel", "unit")))
        inlined = "static inline|GCR_FN|GCR_PARTIAL_FN"
        text = re.sub(rf"/\*.*?\*/|({inlined}) .*?\n}}\n", "", text, flags=re.S)
        declared = set(re.findall(r"\b(gcr_\w+)\([^;{]*\);", text))
        if not sanitizers:
            self.assertEqual(shown - declared, set())
        self.assertEqual(declared - shown, set())
        self.assertIn("gcr_run_fetch", declared)

    def test_the_library_has_a_version_in_its_name(self):
        dynamic = run("objdump", "-p", self.shared_object)
        self.assertRegex(dynamic, r"SONAME +libgridcrunch\.so\.\d+\n")
        self.assertTrue(os.path.islink(self.shared_object))

    def test_the_program_runs_and_finds_the_reader_of_hdf5_files(self):
        folder = tempfile.mkdtemp(dir=self.scratch)
        job = os.path.join(folder, "job.yaml")
        shutil.copy(os.path.join(source, "tests/data/groups.h5"), folder)
        with open(job, "w") as file:
            file.write("name: t\ndata: {source: groups.h5}\nkernel: gp\n"
                       "grid: {lengthscale: 1, noise: 1, variance: 1}\n")
        text = run(find(self.prefix + "/bin", "gridcrunch"), "plan", job)
        self.assertIn("datasets", text)
        nowhere = {**self.environment, "GRIDCRUNCH_LIBEXEC": folder}
        done = subprocess.run([self.prefix + "/bin/gridcrunch", "plan", job], env=nowhere,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("there is no program gridcrunch-read-hdf5 in " + folder, done.stderr)

    def test_nothing_that_is_installed_knows_where_it_was_built(self):
        for name in ("gridcrunch.pc", "gridcrunchConfig.cmake", "gridcrunchTargets.cmake"):
            text = read(find(self.prefix, name))
            self.assertNotIn(build, text)
            self.assertNotIn(source, text)

    @unittest.skipUnless(os.path.isdir(os.path.join(build, "bench")), "a build without benchmarks")
    def test_benchmarks_are_found_and_find_the_program(self):
        program = find(self.prefix + "/bin", "gridcrunch")
        self.assertIn("fertility", run(program, "bench").split())
        folder = tempfile.mkdtemp(dir=self.scratch)
        run(program, "bench", "start", "--quick", cwd=folder)

    @unittest.skipUnless(os.path.exists(os.path.join(build, "libgridcrunch_cuda.so")),
                         "a build without the module for GPUs")
    def test_the_module_for_gpus_is_found_in_the_installation(self):
        find(self.prefix, "libgridcrunch_cuda.so")
        text = run(self.prefix + "/bin/gridcrunch", "devices")
        self.assertRegex(text, r"(?m)^cuda(:0| +no CUDA device: )")
        dynamic = run("objdump", "-p", find(self.prefix, "libgridcrunch_cuda.so"))
        paths = [line.split()[1] for line in dynamic.splitlines() if "RUNPATH" in line]
        self.assertTrue(all(path for path in paths[0].split(":")), dynamic)  # empty: any folder
        self.assertNotIn(build, paths[0])

    def test_documents_and_examples_are_there(self):
        for name in ("README.md", "library.md", "fertility.yaml", "fertility.csv"):
            find(self.prefix + "/share", name)

    def test_the_templates_for_slurm_are_where_their_page_says(self):
        page = find(self.prefix + "/share", "cluster.md")
        for template in ("one-node", "many-nodes"):
            with self.subTest(template):
                told = re.search(rf"sbatch .*\b(scripts/slurm/{template}\.sbatch) ", read(page))[1]
                text = read(os.path.join(os.path.dirname(page), "..", told))
                self.assertIn("srun --mpi=pmix", text)

    def test_an_installation_for_a_package_goes_below_its_own_root(self):
        root = tempfile.mkdtemp(dir=self.scratch)
        run("cmake", "--install", build, "--prefix", "/usr", env={**os.environ, "DESTDIR": root})
        self.assertEqual(sorted(os.listdir(root)), ["usr"])
        find(root + "/usr/libexec/gridcrunch", "gridcrunch-read-hdf5")


if __name__ == "__main__":
    unittest.main()
