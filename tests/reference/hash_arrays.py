"""hash_arrays.py results.h5 -- a line for each array outside /run: name, shape, hash of its bytes.

Two runs on one kind print the same lines (docs/results.md, "What is the same between two runs").
"""
import hashlib
import sys

import h5py

with h5py.File(sys.argv[1], "r") as file:
    for name in sorted(file):
        if name != "run":
            array = file[name][()]
            data = repr(array.tolist()).encode() if array.dtype == object else array.tobytes()
            print(name, array.shape, hashlib.sha256(data).hexdigest())
