"""What a person sees who asks for help."""
import unittest

from support import Case

COMMANDS = ["run", "plan", "try", "best", "show", "failed", "export", "kernels", "kernel",
            "devices", "hosts", "bench"]


class Help(Case):
    def assert_fits_a_screen(self, text):
        lines = text.splitlines()
        self.assertLessEqual(len(lines), 24, text)
        self.assertLessEqual(max(map(len, lines)), 80, text)

    def test_the_help_of_the_program_fits_a_screen_and_names_every_command(self):
        reply = self.ok("--help")
        self.assert_fits_a_screen(reply.out)
        for command in COMMANDS:
            self.assertRegex(reply.out, rf"(?m)^  {command} ")

    def test_the_help_of_every_command_fits_a_screen(self):
        for command in COMMANDS:
            with self.subTest(command):
                self.assert_fits_a_screen(self.ok(command, "--help").out)

    def test_a_variable_of_the_environment_has_help_in_one_of_the_commands(self):
        out = "".join(self.ok(command, "--help").out for command in COMMANDS)
        for name in ("LIBEXEC", "CC", "CACHE", "CUDA_MODULE", "CUDA_PATH", "MPI", "MPI_MODULE"):
            self.assertRegex(out, rf"(?m)^  GRIDCRUNCH_{name}  +\S")

    def test_version_names_the_program_and_its_libraries(self):
        out = self.ok("--version").out
        self.assertRegex(out, r"^gridcrunch \d+\.\d+\.\d+\n")
        for library in ("HDF5", "libyaml", "jansson", "glibc"):
            self.assertIn(library, out)

    def test_a_misspelt_command_is_answered_with_the_nearest_one(self):
        self.assert_refused(self.call("rnu", "job.yaml"), "'rnu'", "did you mean 'run'?")

    def test_a_word_that_is_like_no_command_is_refused(self):
        self.assert_refused(self.call("xyzzy"), "there is no command 'xyzzy'")

    def test_no_command_is_a_wrong_usage(self):
        self.assertEqual(self.call().code, 2)

    def test_an_unknown_flag_is_a_wrong_usage(self):
        reply = self.call("run", "--bogus", "job.yaml")
        self.assertEqual(reply.code, 2)
        self.assertIn("--bogus", reply.err)

    def test_a_command_without_its_argument_says_what_is_missing(self):
        for command, word in (("run", "which job file?"), ("plan", "which job file?"),
                              ("best", "which run?"), ("show", "which run?"),
                              ("failed", "which run?"), ("export", "which run?"),
                              ("hosts", "which list of machines?")):
            with self.subTest(command):
                reply = self.call(command)
                self.assertEqual(reply.code, 2, reply)
                self.assertIn(word, reply.err)


if __name__ == "__main__":
    unittest.main()
