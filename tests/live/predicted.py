"""What the tool says of a job script, in the words of `observed`."""

import json
import os
import subprocess

# Rules that say that MPI does not make one job of the ranks.
APART = {"mpi-differs-from-launcher", "unsupported-pmi", "missing-pmi-library"}
# Titles of pools, and what threadpoolctl calls them.
POOLS = {"OpenBLAS's own threads": "openblas", "GNU OpenMP teams": "libgomp"}
LEVELS = ("warning", "error")


def of(tool, script, site, prefix, imports):
    """Values by name; `unknown: why` where the tool does not know."""
    base = ["--job", str(script), "--site", str(site), "--import", ",".join(imports), str(prefix)]
    facts = json.loads(ask([tool, "facts", *base]))
    runs = value(facts, facts["job"]["runs"])
    if isinstance(runs, str) or not runs:
        return {"ranks": runs or "unknown: no run"}
    run = runs[-1]
    saved = script.parent / "facts.json"
    saved.write_text(json.dumps(facts), encoding="utf-8")
    verdicts = json.loads(ask([tool, "audit", str(saved), "--format", "json", "--exit-zero"]))
    told = {"ranks": value(facts, run["ranks"]), "masks": masks(facts, run), "one job": one_job(verdicts)}
    told["main"] = main_threads(facts, run, told["masks"])
    told["part"] = value(facts, run["owned_cpus"]) != value(facts, run["cpus_per_node"])
    starved = value(facts, run["starved_pools"])
    pools = value(facts, run["pools"])
    if isinstance(pools, str):
        return told
    return {**told, **{POOLS.get(it["name"], it["name"]): threads(facts, it, starved) for it in pools}}


def threads(facts, pool, starved):
    """A pool that starts after another has bound the main thread sees one CPU; which comes first is not among the facts."""
    if pool["name"] in starved:
        return "unknown: it starts before or after the runtime that binds the main thread"
    return value(facts, pool["started"])


def ask(command):
    """The variables of the submitting shell are not the tool's business here."""
    kept = {key: os.environ[key] for key in ["HOME", "PATH"] if key in os.environ}
    done = subprocess.run(command, env=kept, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
    return done.stdout


def value(facts, fact):
    if "unknown" in fact:
        return f"unknown: {facts['gaps'][fact['unknown']]['reason']}"
    return fact["value"]


def masks(facts, run):
    """CPUs of each rank. Unbound ranks have the CPUs of the node."""
    picture, binding = run["picture"], value(facts, run["binding"])
    if binding == "none":
        ranks, owned = value(facts, run["ranks_per_node"]), value(facts, run["cpus_per_rank"])
        if isinstance(ranks, str) or isinstance(owned, str):
            return f"unknown: {ranks if isinstance(ranks, str) else owned}"
        return [list(range(owned))] * ranks
    if picture and picture["ranks"]:
        return [it["cpus"] for it in picture["ranks"]]
    return binding if binding.startswith("unknown") else f"unknown: {' '.join(picture['notes']) if picture else 'no picture'}"


def main_threads(facts, run, where):
    """CPUs of the main thread after the imports: the first of those to which the threads of its rank bind themselves."""
    binding = value(facts, run["thread_binding"])
    if binding is None or isinstance(where, str):
        return where
    if isinstance(binding, str) and binding.startswith("unknown"):
        return binding
    placed = [it["threads_on"][:1] for it in (run["picture"] or {}).get("ranks", [])]
    return placed if placed and all(placed) else "unknown: the picture places no threads"


def one_job(verdicts):
    fired = {it["rule"] for it in verdicts["findings"] if it["severity"] in LEVELS}
    open_rules = {it["rule"]: it for it in verdicts["undecided"]}
    if not fired & APART and APART & set(open_rules):
        return f"unknown: {', '.join(sorted(APART & set(open_rules)))} undecided"
    return not fired & APART
