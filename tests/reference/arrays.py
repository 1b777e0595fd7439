"""Writes the files of arrays in tests/data that NumPy and h5py have made: /usr/bin/python3 arrays.py

The values are small whole numbers and halves, so that every type holds them exactly: the value in
row i and column j is 10 i + j + 0.5, without the half in the integer types.
"""
import os

import h5py
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

# ---- HDF5 ----------------------------------------------------------------------------------------


def write_h5(name, fill, **options):
    with h5py.File(os.path.join(here, name), "w", **options) as file:
        fill(file)


def groups(file):
    for group, rows in (("b", 4), ("a", 3), ("deep/c", 2)):
        file[f"{group}/X"] = table("<f4", rows, 2)
        file[f"{group}/y"] = numpy.arange(rows, dtype=">i2")
        file[f"{group}/notes"] = "not read"


def root(file):
    file["time"] = numpy.arange(4.0)
    file["place"] = table("<f8", 4, 2)
    file.create_dataset("flux", data=numpy.array([1.0, numpy.nan, 3.0, 4.0]), chunks=(2,),
                        compression="gzip", shuffle=True)


def shared(file):
    file["common"] = table("<f8", 3, 1)
    for group in ("a", "b"):
        file[f"{group}/y"] = numpy.arange(3.0)
    file["a/X"] = file["common"]
    file["b/X"] = h5py.SoftLink("/common")


def matrices(file):
    file["m1"] = table("<i4", 3, 2)
    file["more/m2"] = table("<u1", 2, 2)


def long(file):
    """More than is read at a time, in chunks of which several are, packed small."""
    y = numpy.arange(300000, dtype="<i4")
    file.create_dataset("X", data=numpy.stack([y // 1000, y % 1000], 1).astype("<i2"),
                        chunks=(7000, 1), compression="gzip", shuffle=True)
    file.create_dataset("y", data=y, chunks=(9000,), compression="gzip", shuffle=True)


def external_link(file):
    file["a/y"] = numpy.arange(3.0)
    file["a/X"] = h5py.ExternalLink("groups.h5", "/a/X")


def external_storage(file):
    file.create_dataset("X", (3,), "<f8", external=[("/etc/passwd", 0, 24)])
    file["y"] = numpy.arange(3.0)


def virtual(file):
    layout = h5py.VirtualLayout((3, 2), "<f4")
    layout[:] = h5py.VirtualSource("groups.h5", "/a/X", (3, 2))
    file.create_virtual_dataset("X", layout)
    file["y"] = numpy.arange(3.0)


def pair(x, y):
    def fill(file):
        file["X"], file["y"] = x, y
    return fill


def huge(file):
    file.create_dataset("X", (1 << 40,), "<f8", chunks=(1024,))
    file["y"] = numpy.arange(3.0)


def items(arrays):
    def fill(file):
        for name, array in arrays.items():
            file[name] = array
    return fill


line = numpy.arange(3.0)
write_h5("groups.h5", groups)
write_h5("root.hdf5", root)
write_h5("latest.h5", groups, libver="latest")
write_h5("matrices.h5", matrices)
write_h5("shared.h5", shared)
write_h5("long.h5", long)
write_h5("external_link.h5", external_link)
write_h5("external_storage.h5", external_storage)
write_h5("virtual.h5", virtual)
write_h5("huge.h5", huge)
write_h5("text.h5", pair(["a", "b", "c"], line))
write_h5("truth.h5", pair(line > 1, line))
write_h5("compound.h5", pair(numpy.zeros(3, [("a", "f8")]), line))
write_h5("four.h5", pair(numpy.zeros((3, 2, 2, 2)), line))
write_h5("ragged.h5", pair(numpy.arange(4.0), line))
write_h5("wide_y.h5", pair(line, numpy.zeros((3, 2))))
write_h5("dangling.h5", items({"X": h5py.SoftLink("/none"), "y": line}))
write_h5("lonely.h5", items({"a/X": line, "b/X": line, "b/y": line}))
write_h5("nothing.h5", lambda file: None)

# ---- .npz ----------------------------------------------------------------------------------------


def write_npz(name, arrays, save=numpy.savez):
    save(os.path.join(here, name), **arrays)


write_npz("pair.npz", {"X": table("<f4", 3, 2), "y": line, "notes": numpy.array(["not read"])})
write_npz("packed.npz", {"b/X": table("<f8", 3, 1), "b/y": line, "a/X": table("<f8", 2, 1),
                         "a/y": line[:2]}, numpy.savez_compressed)
write_npz("members.npz", {"m1": table("<i4", 3, 2), "m2": table("<i8", 2, 2)})
write_npz("no_y.npz", {"X": line})
write_npz("objects.npz", {"X": numpy.array([1, "a"], dtype=object), "y": line})

# ---- one table in each format ----------------------------------------------------------------------

years = numpy.arange(5.0)
scaled_x = numpy.stack([2000 + years, numpy.full(5, 0.1), years ** 2 / 4], 1)
scaled_y = numpy.array([3.0, 1.5, 0.25, 8.0, 5.0])
write_npy("scaled.npy", numpy.column_stack([scaled_x, scaled_y]))
write_npz("scaled.npz", {"X": scaled_x, "y": scaled_y})
write_h5("scaled.h5", pair(scaled_x, scaled_y))
