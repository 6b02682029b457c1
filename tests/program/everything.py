#!/usr/bin/env python3
"""One of everything."""
from __future__ import annotations

import os
import sys

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.update({"MKL_NUM_THREADS": os.environ["SLURM_CPUS_PER_TASK"], "KMP_AFFINITY": "none"}, NUMBA_NUM_THREADS="2")
os.putenv("BLIS_NUM_THREADS", "4")
del os.environ["OMP_PLACES"]
os.environ.pop("GOMP_CPU_AFFINITY", None)
os.environ[sys.argv[1]] = "x"

import concurrent.futures
import multiprocessing as mp
import subprocess
from multiprocessing.pool import ThreadPool

try:
    import cupy as xp
except ImportError:
    import numpy as xp

import h5py
from joblib import Parallel, delayed
from mpi4py import MPI
from threadpoolctl import threadpool_limits

RANKS = 2
WORKERS = 4 * RANKS
comm = MPI.COMM_WORLD


class Solver:
    def __init__(self, workers=WORKERS):
        self.context = mp.get_context("forkserver")
        self.workers = workers

    def run(self):
        with self.context.Pool(self.workers) as pool, threadpool_limits(
            limits=1, user_api="blas"
        ):
            pool.map(abs, range(8))

    def unused(self):
        os.fork()


def save(name, parallel=True):
    if parallel:
        return h5py.File(name, "w", driver="mpio", comm=comm)
    return h5py.File(name, "w")


def work(i: int) -> float:
    return float(i)


@delayed
def decorated(i):
    return i


def main(argv: list[str]) -> int:
    if comm.rank == 0:
        subprocess.run(["mpiexec", "-n", str(RANKS), "./child"], check=True)
        os.system(f"srun -n {len(argv)} ./child")
    Solver().run()
    save("results.h5")
    cpus = len(os.sched_getaffinity(0))
    with concurrent.futures.ProcessPoolExecutor(
        max_workers=cpus, mp_context=mp.get_context("spawn")
    ) as executor:
        list(executor.map(work, range(3)))
    Parallel(n_jobs=-1)(delayed(work)(i) for i in range(10))
    Parallel(n_jobs=os.cpu_count() or 1, backend="multiprocessing")(delayed(work)(i) for i in range(10))
    ThreadPool(int(os.environ.get("THREADS", 8)))
    processes = [mp.Process(target=work, args=(i,)) for i in range(4)]
    for process in processes:
        process.start()
    if len(argv) > 3:
        sys.exit(2)
    return 0


if __name__ == "__main__":
    mp.set_start_method("spawn")
    mp.Pool(processes=WORKERS)
    sys.exit(main(sys.argv))
    mp.Pool(99)
