"""A list of machines in the words of a launcher; what is wrong with it, by line and column."""
import subprocess
import unittest

from support import PROGRAM, Case, clean_environment


class Hosts(Case):
    def hosts(self, text, *args):
        self.write("machines", text)
        return self.call("hosts", "machines", *args)

    def test_machines_become_a_hostfile_in_the_order_in_which_they_are_named(self):
        reply = self.hosts("2*a\n a\nauto*b\n# c\n")
        self.assertEqual((reply.code, reply.out, reply.err), (0, "a slots=3\nb\n", ""))

    def test_srun_wants_a_line_for_each_rank(self):
        self.assertEqual(self.hosts("2*a\nb\na\n", "--to", "srun").out, "a\na\na\nb\n")
        self.assert_refused(self.hosts("a\nauto*b\n", "--to", "srun"), "machines:2:1: ", "'auto'")

    def test_what_does_not_fit_a_hostfile_is_a_note_and_not_lost(self):
        reply = self.hosts("2*me@a:2222 10.0.0.1\n")
        self.assertEqual((reply.code, reply.out), (0, "a slots=2\n"))
        self.assertRegex(reply.err, r"(?m)^a .*~/\.ssh/config: Host a, User me, Port 2222$")
        self.assertIn("10.0.0.1", reply.err)

    def test_a_mistake_is_named_by_line_and_column(self):
        for text, place in (("0*a", "1:1"), ("a\nx*b", "2:1"), ("a:99999", "1:3")):
            with self.subTest(text):
                self.assert_refused(self.hosts(text), f"machines:{place}: ")

    def test_a_list_may_come_through_a_pipe(self):
        done = subprocess.run([PROGRAM, "hosts", "-"], input=b"n1\nn1\n", capture_output=True,
                              env=clean_environment(), timeout=60, check=True)
        self.assertEqual(done.stdout, b"n1 slots=2\n")

    def test_a_launcher_that_is_not_known_is_refused(self):
        reply = self.hosts("a\n", "--to", "openmp")
        self.assertEqual(reply.code, 2, reply)
        self.assertIn("did you mean 'openmpi'?", reply.err)


if __name__ == "__main__":
    unittest.main()
