"""hash_arrays.py results.h5 ... -- a line for each array outside /run: name, shape, hash of its bytes.
Between two files there is an empty line.

Two runs on one kind print the same lines (docs/results.md, "What is the same between two runs").
"""
import hashlib
import sys

import h5py

for number, path in enumerate(sys.argv[1:]):
    if number > 0:
        print()
    with h5py.File(path, "r") as file:
        for name in sorted(file):
            if name != "run":
                array = file[name][()]
                data = repr(array.tolist()).encode() if array.dtype == object else array.tobytes()
                print(name, array.shape, hashlib.sha256(data).hexdigest())
