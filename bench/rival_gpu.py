"""The rivals of bench_gp.c: log marginal likelihoods of a Gaussian process (squared exponential) by PyTorch,
JAX or CuPy, as they are best written: covariances of a batch of points at once, a batched factor, a
batched triangular solve.

Protocol: bench/rival.h. "N COUNT": the likelihoods of the first COUNT points for N rows, answered with
seconds; "-N COUNT": with their sum. Which form is fastest (how many points in a batch; for PyTorch also a CUDA
graph and torch.compile) is found when an N comes for the first time, and said in the file that RIVAL_LOG names.
Arguments: torch, jax or cupy; gpu or cpu; float64 or float32.
"""
import math
import os
import sys
import time

AXES = {32: (128, 128, 64), 64: (128, 128, 64), 128: (64, 64, 64), 232: (64, 32, 32)}
BATCHES = (1024, 4096, 16384, 65536)
TYPE = sys.argv[3] if len(sys.argv) > 3 else "float64"
SEARCH_SECONDS = 8  # for one N, after which no other form is begun
MEMORY_BYTES = 12e9  # of the matrices of a batch, with what is made of them


def say(text):
    if "RIVAL_LOG" in os.environ:
        with open(os.environ["RIVAL_LOG"], "a") as file:
            print(sys.argv[1], text[:300], file=file)


def data(n):
    x = [[2 * math.fmod(0.6180339887498949 * ((i + 1) * (2 * f + 1)), 1) for f in range(4)]
         for i in range(n)]
    y = [math.sin(3 * x[i][0]) + 0.1 * math.fmod(0.7548776662466927 * (i + 1), 1) for i in range(n)]
    squares = [[sum((a - b) ** 2 for a, b in zip(x[i], x[j])) for j in range(n)] for i in range(n)]
    return squares, y


def points(n, count):
    """Lengthscale, noise and variance of each."""
    lengthscales, noises, variances = AXES[n]
    return [(0.5 + 1.5 * (p // (noises * variances)) / lengthscales,
             0.01 * (p // variances % noises + 1), 0.5 + 0.05 * (p % variances)) for p in range(count)]


class Torch:
    def __init__(self, device):
        os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")  # no workers that outlive us
        import torch
        self.torch = torch
        self.device = "cuda" if device == "gpu" else "cpu"
        torch.zeros(1, device=self.device)
        self.version = torch.__version__

    def array(self, values):
        return self.torch.tensor(values, dtype=getattr(self.torch, TYPE), device=self.device)

    def wait(self):
        if self.device == "cuda":
            self.torch.cuda.synchronize()

    def concatenate(self, parts):
        return float(sum(part.sum() for part in parts))

    def likelihoods(self, squares, y, of_points):
        torch, n = self.torch, len(y)
        scale = -0.5 / of_points[:, 0] ** 2
        covariance = of_points[:, 2, None, None] * torch.exp(scale[:, None, None] * squares)
        covariance.diagonal(dim1=-2, dim2=-1).add_(of_points[:, 1, None])
        factor, _ = torch.linalg.cholesky_ex(covariance)
        right = y[:, None].expand(len(of_points), n, 1)
        z = torch.linalg.solve_triangular(factor, right, upper=False)[..., 0]
        logs = torch.log(factor.diagonal(dim1=-2, dim2=-1)).sum(-1)
        return -0.5 * (z * z).sum(-1) - logs - 0.5 * n * math.log(2 * math.pi)

    def forms(self, squares, y):
        """Names, and functions that make a function of a batch of points for batches of one size."""
        yield "eager", lambda example: lambda part: self.likelihoods(squares, y, part)
        if self.device == "cuda":
            yield "graph", lambda example: self.graph(squares, y, example)
            yield "compile", lambda example: self.compiled(squares, y)

    def graph(self, squares, y, example):
        torch = self.torch
        given = example.clone()
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                self.likelihoods(squares, y, given)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            result = self.likelihoods(squares, y, given)

        def replay(part):
            given.copy_(part)
            graph.replay()
            return result.clone()
        return replay

    def compiled(self, squares, y):
        inner = self.torch.compile(lambda part: self.likelihoods(squares, y, part), dynamic=False)
        return inner


class Jax:
    def __init__(self, device):
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
        import jax
        jax.config.update("jax_enable_x64", True)
        self.jax, self.numpy = jax, jax.numpy
        self.on = jax.devices(device)[0]
        self.version = jax.__version__
        self.last = None

    def array(self, values):
        return self.jax.device_put(self.numpy.array(values, dtype=TYPE), self.on)

    def wait(self):
        if self.last is not None:
            self.last.block_until_ready()

    def concatenate(self, parts):
        return float(sum(part.sum() for part in parts))

    def forms(self, squares, y):
        jax, numpy, n = self.jax, self.numpy, len(y)

        def likelihood(point):
            covariance = point[2] * numpy.exp(-0.5 / point[0] ** 2 * squares)
            factor = jax.lax.linalg.cholesky(covariance + point[1] * numpy.eye(n, dtype=TYPE),
                                             symmetrize_input=False)
            z = jax.scipy.linalg.solve_triangular(factor, y, lower=True)
            return (-0.5 * (z @ z) - numpy.log(numpy.diagonal(factor)).sum()
                    - 0.5 * n * math.log(2 * math.pi))

        batched = jax.jit(jax.vmap(likelihood))

        def run(part):
            self.last = batched(part)
            return self.last
        yield "jit(vmap)", lambda example: run


class Cupy:
    def __init__(self, device):
        if device != "gpu":
            raise ImportError("CuPy is for GPUs")
        import cupy
        self.cupy = cupy
        cupy.zeros(1)
        self.version = cupy.__version__

    def array(self, values):
        return self.cupy.array(values, dtype=TYPE)

    def wait(self):
        self.cupy.cuda.get_current_stream().synchronize()

    def concatenate(self, parts):
        return float(sum(part.sum() for part in parts))

    def forms(self, squares, y):
        cupy, n = self.cupy, len(y)
        diagonal = cupy.arange(n)

        def run(part):  # CuPy has no batched triangular solve: a general one
            covariance = part[:, 2, None, None] * cupy.exp(
                (-0.5 / part[:, 0] ** 2)[:, None, None] * squares)
            covariance[:, diagonal, diagonal] += part[:, 1, None]
            factor = cupy.linalg.cholesky(covariance)
            right = cupy.ascontiguousarray(cupy.broadcast_to(y[:, None], (len(part), n, 1)))
            z = cupy.linalg.solve(factor, right)[..., 0]
            logs = cupy.log(factor[:, diagonal, diagonal]).sum(-1)
            return -0.5 * (z * z).sum(-1) - logs - 0.5 * n * math.log(2 * math.pi)
        yield "batched", lambda example: run


class Problem:
    """One N: the fastest form, found with the first points that are asked for."""

    def __init__(self, rival, n, count):
        self.rival = rival
        squares, y = data(n)
        self.squares, self.y = rival.array(squares), rival.array(y)
        self.all = rival.array(points(n, count))
        self.find(n, count)

    def run(self, run, batch):
        parts = [run(self.all[first:first + batch]) for first in range(0, len(self.all), batch)]
        self.rival.wait()
        return parts

    def seconds(self, run, batch):
        begin = time.perf_counter()
        self.run(run, batch)
        return time.perf_counter() - begin

    def find(self, n, count):
        best, begin = (math.inf, None, 0), time.perf_counter()
        sizes = [b for b in BATCHES if b <= count and b * n * n * 8 * 4 <= MEMORY_BYTES] or [count]
        for name, make in self.rival.forms(self.squares, self.y):
            for batch in sizes if name not in ("graph", "compile") else [best[2]]:
                if best[1] is not None and time.perf_counter() - begin > SEARCH_SECONDS:
                    break
                try:
                    run = make(self.all[:batch])
                    self.run(run, batch)  # compiles, allocates
                    seconds = min(self.seconds(run, batch) for _ in range(3))
                except Exception as error:  # a form that does not work here is no rival
                    say(f"n={n} {name} batch {batch}: {error}")
                    continue
                say(f"n={n} {name} batch {batch}: {seconds / count * 1e9:.1f} ns per point")
                if seconds < best[0]:
                    best = (seconds, run, batch)
        if best[1] is None:
            sys.exit("no form of it works")
        self.best, self.batch = best[1:]

    def time(self):
        return self.seconds(self.best, self.batch)

    def sum(self):
        return self.rival.concatenate(self.run(self.best, self.batch))


def main():
    rival = {"torch": Torch, "jax": Jax, "cupy": Cupy}[sys.argv[1]](sys.argv[2])
    problems = {}
    print("ready", sys.argv[1], rival.version, flush=True)
    for line in sys.stdin:
        n, count = (int(float(word)) for word in line.split())
        if (abs(n), count) not in problems:
            problems.clear()
            problems[abs(n), count] = Problem(rival, abs(n), count)
        problem = problems[abs(n), count]
        print(repr(problem.time() if n > 0 else problem.sum()), flush=True)


if __name__ == "__main__":
    main()
