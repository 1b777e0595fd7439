"""tests/support/run_cases.py FILE [NAME...] -- the cases of FILE, or those named, each with its name.

As `python3 -m unittest -v FILE`, but where all of them are skipped it exits with 77, so that ctest says so too.
"""
import os
import sys
import unittest

SKIPPED = 77

if __name__ == "__main__":
    file = os.path.abspath(sys.argv[1])
    sys.path.insert(0, os.path.dirname(file))
    stem = os.path.splitext(os.path.basename(file))[0]
    program = unittest.main(stem, argv=[stem, "-v", *sys.argv[2:]], exit=False)
    result = program.result
    is_skipped = result.wasSuccessful() and 0 < len(result.skipped) >= result.testsRun
    sys.exit(SKIPPED if is_skipped else not result.wasSuccessful())
