"""Runs a job script and reads what its ranks found out about themselves."""

import dataclasses
import json
import os
import re
import signal
import subprocess

TIMEOUT_SECONDS = 60


@dataclasses.dataclass
class Seen:
    """What was observed; None where there is nothing to compare."""

    ranks: int | None
    one_job: bool | None
    masks: list | None
    main: list | None
    pools: dict
    numbered: bool
    printed: str


def of(script, cluster):
    files = script.parent / "ranks"
    printed = submit(script, cluster) if cluster else start(script)
    ranks = [json.loads(it.read_text(encoding="utf-8")) for it in sorted(files.glob("*.json"))]
    if cluster and cluster.declared:
        masks = cluster_masks(cluster, printed)
        return Seen(len(masks) or None, None, masks or None, None, {}, True, printed)
    if not ranks:
        # A launcher that refuses, or ranks that end in MPI_Init.
        return Seen(None, None, None, None, {}, True, printed)
    numbers = [it["launcher_rank"] for it in ranks]
    if len(ranks) > 1 and sorted({it["rank"] for it in ranks} - {None}) == list(range(len(ranks))):
        numbers = [it["rank"] for it in ranks]
    numbered = sorted(numbers, key=str) == sorted(range(len(ranks)), key=str)
    if numbered:
        ranks = [it for _, it in sorted(zip(numbers, ranks), key=lambda it: it[0])]
    sizes = {it["size"] for it in ranks}
    one_job = None if None in sizes or len(ranks) == 1 else sizes == {len(ranks)}
    pools = {}
    for name in sorted({name for it in ranks for name in it["pools"]}):
        counts = {it["pools"].get(name, 0) for it in ranks}
        pools[name] = counts.pop() if len(counts) == 1 else sorted(counts)
    return Seen(len(ranks), one_job, [it["start"] for it in ranks], [it["after"] for it in ranks], pools, numbered, printed)


def caller():
    """The environment of whoever submits: nothing that a launcher or a library reads, but leave for root to run Open MPI."""
    kept = {key: os.environ[key] for key in ["HOME", "PATH", "LANG", "TMPDIR"] if key in os.environ}
    return {**kept, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


def start(script):
    return bounded(["bash", str(script)], caller(), script.parent)


def submit(script, cluster):
    output = script.parent / "output.txt"
    command = ["sbatch", "--wait", "--parsable", f"--output={output}", str(script)]
    said = bounded(command, {**caller(), **cluster.environment(), "SLURM_CPU_BIND": "verbose"}, script.parent)
    number = re.search(r"^(\d+)", said)
    if number:
        cluster.ask("scancel", number[1])
    return f"job {said.strip()}\n" + (output.read_text(encoding="utf-8", errors="replace") if output.exists() else "")


def bounded(command, environment, folder):
    """What a command prints; everything that it started ends with it."""
    with subprocess.Popen(command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, start_new_session=True) as process:
        try:
            printed = process.communicate(timeout=TIMEOUT_SECONDS)[0]
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            printed = process.communicate()[0] + b"\n(stopped after a minute)"
    return printed.decode(errors="replace")


def cluster_masks(cluster, printed):
    """Masks that Slurm worked out for the last step of the job: from its log, or, where it works out none, from the tasks."""
    number = re.match(r"job (\d+)", printed)
    if not number:
        return []
    lines = re.findall(rf"_lllp_generate_cpu_bind jobid \[{number[1]}\]: \S+ (\S+)", cluster.log())
    if lines:
        texts = lines[-1].split(",")
    else:
        found = re.findall(r"cpu-bind=(?:MASK|NONE) - \S+, task +\d+ +(\d+) \[\d+\]: mask (0x[0-9a-fA-F]+)", printed)
        texts = [mask for _, mask in sorted(found, key=lambda it: int(it[0]))]
    # No mask: any CPU.
    whole = 2 ** (cluster.sockets * cluster.cores) - 1
    return [[bit for bit in range(4096) if (int(text, 16) or whole) >> bit & 1] for text in texts]
