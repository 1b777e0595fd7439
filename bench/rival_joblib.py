"""The rival joblib: loky, two processes, batch_size auto or as given. Protocol: bench/rival.h.

The task spins on Python's own clock: what a call of that costs (some 50 ns) is nothing beside what
joblib adds to a task.
"""
import sys
import time

import joblib


def spin(ns):
    end = time.perf_counter_ns() + ns
    while time.perf_counter_ns() < end:
        pass


def main():
    batch = sys.argv[1] if sys.argv[1] == "auto" else int(sys.argv[1])
    pool = joblib.Parallel(n_jobs=2, backend="loky", batch_size=batch)
    with pool:
        pool(joblib.delayed(spin)(0) for _ in range(100))  # starts the processes
        print("ready joblib", joblib.__version__, "batch", batch, flush=True)
        for line in sys.stdin:
            ns, count = line.split()
            begin = time.perf_counter()
            pool(joblib.delayed(spin)(int(float(ns))) for _ in range(int(count)))
            print(time.perf_counter() - begin, flush=True)


if __name__ == "__main__":
    main()
