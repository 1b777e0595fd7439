"""The rivals that read tables: pandas, numpy and h5py. Arguments: a folder with table.npy, csv files.

At the start it makes the files of the other formats from table.npy. What is asked is the reader: its
place in READERS, as NS. Every reader leaves an array in memory as it stands in the file, row by row.
Protocol: bench/rival.h.
"""
import os
import sys
import time

import h5py
import numpy as np
import pandas


def read_pandas(name):
    return pandas.read_csv(name).to_numpy()


def read_loadtxt(name):
    return np.loadtxt(name, delimiter=",", skiprows=1)


def read_npy(name):
    return np.load(name)


def read_npz(name):
    with np.load(name) as file:
        return file["table"]


def read_h5(name):
    with h5py.File(name, "r") as file:
        return file["table"][:]


READERS = [(read_pandas, "short.csv"), (read_loadtxt, "short.csv"), (read_pandas, "full.csv"),
           (read_loadtxt, "full.csv"), (read_npy, "table.npy"), (read_npz, "stored.npz"),
           (read_npz, "packed.npz"), (read_h5, "stored.h5"), (read_h5, "packed.h5")]


def make_files():
    table = np.load("table.npy")
    np.savez("stored.npz", table=table)
    np.savez_compressed("packed.npz", table=table)
    with h5py.File("stored.h5", "w") as file:
        file["table"] = table
    with h5py.File("packed.h5", "w") as file:
        file.create_dataset("table", data=table, chunks=(4096, table.shape[1]), compression="gzip",
                            compression_opts=1, shuffle=True)


def main():
    os.chdir(sys.argv[1])
    make_files()
    print("ready pandas", pandas.__version__, "numpy", np.__version__, "h5py", h5py.__version__,
          flush=True)
    for line in sys.stdin:
        read, name = READERS[int(float(line.split()[0]))]
        begin = time.perf_counter()
        table = read(name)
        print(time.perf_counter() - begin, flush=True)
        del table


if __name__ == "__main__":
    main()
