"""On a terminal: lines fit, however narrow; elsewhere nothing is redrawn."""
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
import unittest

from support import PROGRAM, SLOW, SMALL, TIME_LIMIT, Case, clean_environment, hear_signals, widths

LONG_NAMES = """\
name: names
data: {source: names.csv, key: who, x: x, y: y}
kernel: gp
grid: {lengthscale: [1, 2, 3], noise: [0.1, 0.2, 0.3], variance: [1, 2, 3]}
summary: {best: argmax(lml)}
"""


class Terminal(Case):
    def test_the_progress_line_is_redrawn_and_taken_away(self):
        self.write("slow.yaml", SLOW)
        code, drawn = self.call_on_terminal(80, "run", "slow.yaml")
        self.assertEqual(code, 0, drawn)
        self.assertRegex(drawn, r"\r *\d+ %  [\d,]+/400 cells .*/s  eta \d+ s")
        self.assertIn("\r\x1b[K", drawn)

    def test_a_terminal_that_is_held_holds_up_nothing(self):
        """As by Ctrl-S: whoever shows progress must not wait, as it answers other machines, too."""
        self.write("slow.yaml", SLOW)
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        process = subprocess.Popen([PROGRAM, "run", "slow.yaml"], cwd=self.folder, stdin=theirs,
                                   stdout=theirs, stderr=theirs, env=clean_environment(),
                                   preexec_fn=hear_signals)
        drawn = b""
        while b"predicted\r\n" not in drawn:
            drawn += os.read(ours, 65536)
        termios.tcflow(theirs, termios.TCOOFF)
        end = time.monotonic() + TIME_LIMIT
        while not os.path.exists(self.path("runs/slow/results.h5")) and time.monotonic() < end:
            time.sleep(0.05)
        termios.tcflow(theirs, termios.TCOON)
        os.close(theirs)
        while process.poll() is None or select.select([ours], [], [], 0)[0]:
            try:
                drawn += os.read(ours, 65536)
            except OSError:  # the program has closed its side
                break
        os.close(ours)
        self.assertEqual(process.wait(TIME_LIMIT), 0)
        self.assertLess(time.monotonic(), end)
        self.assertIn(b"400 ok", drawn)

    def test_everything_fits_forty_columns(self):
        self.write("slow.yaml", SLOW)
        code, drawn = self.call_on_terminal(40, "run", "slow.yaml")
        self.assertEqual(code, 0, drawn)
        self.assertRegex(drawn, r"\r *\d+ %  [\d,]+/400")
        self.assertLessEqual(max(widths(drawn)), 40, drawn)

    def test_a_table_that_is_too_wide_becomes_blocks(self):
        self.write("small.yaml", SMALL)
        self.ok("run", "small.yaml", "--quiet")
        _, drawn = self.call_on_terminal(40, "best", "runs/small")
        self.assertLessEqual(max(widths(drawn)), 40, drawn)
        self.assertEqual(len(re.findall(r"(?m)^lengthscale +\S+$", drawn)), 6, drawn)

    def test_long_names_are_cut_and_foreign_ones_counted_by_columns(self):
        name = "Côte d’Ivoire, a name that goes on and on for a while"
        self.write("names.csv", f'who,x,y\n"{name}",1,1\n"{name}",2,2\n日本,1,1\n日本,2,3\n')
        self.write("names.yaml", LONG_NAMES)
        self.ok("run", "names.yaml", "--quiet")
        _, drawn = self.call_on_terminal(60, "best", "runs/names")
        lines = drawn.splitlines()
        self.assertRegex(lines[1], r"^Côte d’Ivoire.*…  ")
        self.assertLessEqual(max(widths(drawn)), 60, drawn)
        # 日本 takes four columns: the numbers of both rows end in the same column
        self.assertEqual(len(lines[1]), len(lines[2]) + 2)

    def test_a_name_cannot_command_the_terminal(self):
        self.write("names.csv", b"who,x,y\n\x1b[31mred,1,1\n\x1b[31mred,2,2\n")
        self.write("names.yaml", LONG_NAMES)
        reply = self.call("run", "names.yaml", "--quiet")
        if reply.code == 0:
            _, drawn = self.call_on_terminal(80, "best", "runs/names")
            self.assertNotIn("\x1b[31m", drawn)
        else:
            self.assertNotIn("\x1b", reply.err)

    def test_a_pipe_gets_no_line_that_is_redrawn(self):
        self.write("slow.yaml", SLOW.replace("100", "40"))
        reply = self.ok("run", "slow.yaml")
        self.assertNotIn("\r", reply.err)
        self.assertNotIn("\x1b", reply.err)

    def test_a_rank_draws_nothing_even_on_a_terminal(self):
        self.write("slow.yaml", SLOW)
        _, drawn = self.call_on_terminal(80, "run", "slow.yaml", OMPI_COMM_WORLD_SIZE="2", GRIDCRUNCH_MPI="none")
        self.assertIn("results", drawn)
        self.assertNotIn("\x1b", drawn)


if __name__ == "__main__":
    unittest.main()
