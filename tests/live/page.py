"""The page of what was measured: `docs/launchers-measured.md`."""

HEAD = """# What launchers did, and what the tool says of them

Written by `tests/live/launchers --write`, which runs these job scripts with real launchers and compares what each rank finds
out about itself with what the tool predicts from the script, a site profile and the environment. Wheels: {wheels}; Slurm
{slurm} of Debian. The machine had {cpus} CPUs; what stands under "2 x 8 cores" is what Slurm worked out for a node of that size.

*masks*: CPUs of each rank when it starts, `|` between ranks. *main*: CPUs of its main thread after its imports. *openblas*,
*libgomp*: threads. *one job*: whether MPI makes one job of the ranks. Where a job has a part of a node, nobody knows which
part: only sizes are compared. `=`: observed as predicted; `?`: the tool says that it does not know.

| case | script | observed | predicted |
|---|---|---|---|
"""


def of(rows, pins, cpus):
    wheels = ", ".join(it.replace("==", " ") for it in pins)
    slurm = next((row["versions"]["Slurm"] for row in rows if row["versions"]), "not installed")
    lines = [line(row) for row in rows]
    return HEAD.format(wheels=wheels, slurm=slurm, cpus=cpus) + "\n".join(lines) + "\n"


def line(row):
    case = row["case"]
    script = "<br>".join(f"`{it}`" for it in [*case.get("directives", []), *case["script"]]).replace("|", "\\|")
    observed = "; ".join(f"{name} {found}" for name, _, found, _ in row["rows"]).replace("|", "\\|")
    return f"| {case['name']} | {script} | {observed} | {predicted(row['rows'])} |"


def predicted(rows):
    words = {"same": "=", "unknown": "?", "DIFFERS": "**differs**"}
    if {it[3] for it in rows} == {"same"}:
        return "="
    return "; ".join(f"{name} {words[verdict]}" + (f" {told}" if verdict == "DIFFERS" else "")
                     for name, told, _, verdict in rows).replace("|", "\\|")
