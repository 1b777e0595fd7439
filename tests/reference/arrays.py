"""Writes the files of arrays in tests/data that NumPy and h5py have made: /usr/bin/python3 arrays.py

The values are small whole numbers and halves, so that every type holds them exactly: the value in
row i and column j is 10 i + j + 0.5, without the half in the integer types.
"""
import os

import numpy

here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data")


def table(kind, rows=4, columns=3):
    half = 0.5 if kind[1] == "f" else 0
    return (10 * numpy.arange(rows)[:, None] + numpy.arange(columns) + half).astype(kind)


def write_npy(name, array, version=None):
    with open(os.path.join(here, name), "wb") as file:
        numpy.lib.format.write_array(file, array, version)


for kind in ("f4", "f8", "i4", "i8"):
    write_npy(f"{kind}.npy", table("<" + kind))
    write_npy(f"{kind}_fortran.npy", numpy.asfortranarray(table("<" + kind)))
for version in (1, 2, 3):
    write_npy(f"version{version}.npy", table("<f8"), (version, 0))
write_npy("line.npy", numpy.array([0.5, numpy.nan, 2.5]))
write_npy("big_endian.npy", table(">f8"))
write_npy("objects.npy", numpy.array([[1, "a"]], dtype=object))
write_npy("structured.npy", numpy.zeros(2, dtype=[("a", "f8"), ("b", "i4")]))
write_npy("words.npy", numpy.array(["red", "blue"]))
write_npy("half.npy", numpy.zeros((2, 2), "f2"))
write_npy("four.npy", numpy.zeros((2, 2, 2, 2)))
write_npy("scalar.npy", numpy.array(1.0))
write_npy("empty.npy", numpy.zeros((0, 3)))
write_npy("no_columns.npy", numpy.zeros((3, 0)))
