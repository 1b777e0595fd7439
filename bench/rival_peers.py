"""What people use today, on the workloads of bench_peers.c: rival_peers.py SYSTEM PROCESSES FOLDER.

Every system computes the same Python functions, as fast as NumPy and LAPACK let them: one task for
each dataset, or, for cells that are one multiplication, tasks of as many cells as suits the system.
JAX has functions of its own, batched by vmap and compiled before it is asked. Data is in memory
when the clock starts, results when it stops; then they are written to FOLDER/WORKLOAD.SYSTEM.f8.
Asked is the workload: its place in WORKLOADS, as NS. Protocol: bench/rival.h.
"""
import itertools
import os
import pathlib
import sys
import time

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np

FACTORS = np.linspace(0, 1, 1000)
LENGTHSCALES, NOISES, VARIANCES = np.geomspace(0.5, 60, 24), np.geomspace(1e-3, 1, 12), [0.25, 1, 4]
ALPHAS, FOLDS = np.logspace(-3, 3, 50), 5

# ---- cells ---------------------------------------------------------------------------------------


def scale(y, factor):
    return y * factor


def gp(x, y):
    from scipy.linalg.lapack import dpotrf, dtrtrs
    distance, n = 5 ** 0.5 * abs(x - x.T), len(y)
    answers = []
    for lengthscale in LENGTHSCALES:
        s = distance / lengthscale
        matern = np.asfortranarray((1 + s + s * s / 3) * np.exp(-s))
        for noise, variance in itertools.product(NOISES, VARIANCES):
            k = variance * matern
            k.ravel("K")[::n + 1] += noise
            factor, _ = dpotrf(k, lower=1, clean=0, overwrite_a=1)
            z, _ = dtrtrs(factor, y, lower=1)
            answers.append(-0.5 * z @ z - np.log(np.diagonal(factor)).sum()
                           - 0.5 * n * np.log(2 * np.pi))
    return np.array(answers)


def ridge(x, y):
    errors = np.zeros(len(ALPHAS))
    for held_out in np.array_split(np.arange(len(y)), FOLDS):
        begin, end = held_out[0], held_out[-1] + 1
        xt, yt = np.delete(x, slice(begin, end), 0), np.delete(y, slice(begin, end))
        x_mean, y_mean = xt.mean(0), yt.mean()
        xt, yt = xt - x_mean, yt - y_mean
        values, vectors = np.linalg.eigh(xt.T @ xt)
        b = vectors @ ((vectors.T @ (xt.T @ yt))[:, None] / (values[:, None] + ALPHAS))
        off = (y[begin:end] - y_mean)[:, None] - (x[begin:end] - x_mean) @ b
        errors += (off ** 2).mean(0) / FOLDS
    return errors


# ---- systems: each is a function of the tasks of a workload ----------------------------------------


def open_joblib(processes):
    import joblib
    pool = joblib.Parallel(n_jobs=processes, backend="loky").__enter__()
    run = lambda function, tasks: pool(joblib.delayed(function)(*task) for task in tasks)
    return joblib.__version__, run


def open_multiprocessing(processes):
    import multiprocessing
    import platform
    pool = multiprocessing.Pool(processes)

    def run(function, tasks):
        few = len(tasks) < 1000
        return pool.starmap(function, tasks, chunksize=1 if few else None)
    return platform.python_version(), run


def run_rows(function, rows):
    return [function(*row) for row in rows.tolist()]


def run_dask(function, tasks, processes, **options):
    """A task for each dataset; of tiny cells an array of them, which dask does not look into."""
    import dask
    if len(tasks) < 1000:
        return dask.compute(*[dask.delayed(function)(*task) for task in tasks], **options)
    parts = np.array_split(np.array(tasks), 4 * processes)
    return list(itertools.chain(*dask.compute(
        *[dask.delayed(run_rows)(function, part) for part in parts], **options)))


def open_dask_threads(processes):
    import dask
    return dask.__version__, lambda function, tasks: run_dask(
        function, tasks, processes, scheduler="threads", num_workers=processes)


def open_dask_distributed(processes):
    import dask
    import distributed
    client = distributed.Client(n_workers=processes, threads_per_worker=1,
                                dashboard_address=None)
    return dask.__version__, lambda function, tasks: run_dask(
        function, tasks, processes, scheduler=client)


OPEN = {"joblib": open_joblib, "multiprocessing": open_multiprocessing,
        "dask-threads": open_dask_threads, "dask-distributed": open_dask_distributed}


def answer_by_tasks(run, workload, datasets):
    if workload == "tiny":
        tasks = [(float(y[0]), factor) for _, y in datasets for factor in FACTORS.tolist()]
        return run(scale, tasks)
    return run({"fertility": gp, "ridge": ridge}[workload], datasets)


# ---- JAX -------------------------------------------------------------------------------------------


def open_jax():
    import jax
    import jax.numpy as jnp
    from jax.scipy.linalg import solve_triangular
    jax.config.update("jax_enable_x64", True)

    def gp_cell(x, y, lengthscale, noise, variance):
        s = 5 ** 0.5 * abs(x - x.T) / lengthscale
        k = variance * (1 + s + s * s / 3) * jnp.exp(-s) + noise * jnp.eye(len(y))
        factor = jnp.linalg.cholesky(k)
        z = solve_triangular(factor, y, lower=True)
        return (-0.5 * z @ z - jnp.log(jnp.diagonal(factor)).sum()
                - 0.5 * len(y) * jnp.log(2 * jnp.pi))

    def ridge_fold(xt, yt, xh, yh, alpha):
        x_mean, y_mean = xt.mean(0), yt.mean()
        xt, yt = xt - x_mean, yt - y_mean
        k = xt.T @ xt + alpha * jnp.eye(xt.shape[1])
        b = jax.scipy.linalg.cho_solve((jnp.linalg.cholesky(k), True), xt.T @ yt)
        return ((yh - y_mean - (xh - x_mean) @ b) ** 2).mean()

    points = np.array(list(itertools.product(LENGTHSCALES, NOISES, VARIANCES))).T
    scale_all = jax.jit(jax.vmap(jax.vmap(lambda y, factor: y * factor, (None, 0)), (0, None)))
    gp_all = jax.jit(jax.vmap(gp_cell, (None, None, 0, 0, 0)))
    ridge_all = jax.jit(jax.vmap(jax.vmap(ridge_fold, (None, None, None, None, 0)),
                                 (0, 0, 0, 0, None)))

    def ridge_folds(x, y):
        parts = np.array_split(np.arange(len(y)), FOLDS)
        outside = np.stack([np.setdiff1d(np.arange(len(y)), part) for part in parts])
        parts = np.stack(parts)
        return ridge_all(x[outside], y[outside], x[parts], y[parts], ALPHAS).mean(0)

    def run(workload, datasets):
        if workload == "tiny":
            return np.asarray(scale_all(np.array([y[0] for _, y in datasets]), FACTORS)).ravel()
        if workload == "fertility":
            return [np.asarray(gp_all(x, y, *points)) for x, y in datasets]
        return [np.asarray(ridge_folds(x, y)) for x, y in datasets]
    return jax.__version__, run


# ---- questions -------------------------------------------------------------------------------------

WORKLOADS = ["tiny", "fertility", "ridge"]


def load(folder):
    tables = [np.load(path) for path in sorted(pathlib.Path(folder).glob("*.npy"))]
    return [(table[:, :-1].copy(), table[:, -1].copy()) for table in tables]


def main():
    system, processes, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    if system == "jax":
        version, answer = open_jax()
    else:
        version, run = OPEN[system](processes)
        answer = lambda workload, datasets: answer_by_tasks(run, workload, datasets)
    data = {workload: load(os.path.join(folder, workload)) for workload in WORKLOADS}
    print("ready", system, version, flush=True)
    for line in sys.stdin:
        workload = WORKLOADS[int(float(line.split()[0]))]
        begin = time.perf_counter()
        answers = answer(workload, data[workload])
        seconds = time.perf_counter() - begin
        np.concatenate([np.atleast_1d(a) for a in answers]).tofile(
            os.path.join(folder, f"{workload}.{system}.f8"))
        print(seconds, flush=True)


if __name__ == "__main__":
    main()
