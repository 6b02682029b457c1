"""What one rank finds out about itself: imported first by the program of a case, whose last line is `observe.report()`.

One JSON file per rank below the folder of the program: CPUs when it starts and after its imports, threads of every pool,
rank and size as MPI says, rank as the launcher says. Standard library only until `report`, so that nothing is loaded which
the case did not ask for."""

import json
import os
import sys

AT_START = sorted(os.sched_getaffinity(0))
# Variables by which launchers tell a rank its number.
RANK = ["SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"]


def report():
    after = sorted(os.sched_getaffinity(0))
    folder = os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), "ranks")
    seen = {"launcher_rank": told_rank(), "start": AT_START, "after": after, **told_by_mpi(), "pools": pools()}
    name = os.path.join(folder, f"{os.getpid()}.json")
    with open(name, "w", encoding="utf-8") as file:
        json.dump(seen, file)


def told_rank():
    told = [os.environ[name] for name in RANK if os.environ.get(name, "").isdigit()]
    return int(told[0]) if told else None


def told_by_mpi():
    if "mpi4py.MPI" not in sys.modules:
        return {"rank": None, "size": None}
    world = sys.modules["mpi4py.MPI"].COMM_WORLD
    return {"rank": world.Get_rank(), "size": world.Get_size()}


def pools():
    """Threads by the word of the library, most first where two copies are there."""
    import threadpoolctl

    words = {"libgomp": "libgomp", "libiomp": "libiomp5", "libomp": "libomp"}
    found = {}
    for pool in threadpoolctl.threadpool_info():
        word = words.get(pool["prefix"], pool["internal_api"])
        found[word] = max(found.get(word, 0), pool["num_threads"])
    return found
