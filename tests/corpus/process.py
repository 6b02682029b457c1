"""Runs inside an environment by `python -`, because `-c` imports linecache since 3.13: imports what the arguments name and
prints, as JSON, what came of it. `processes` compares that with the tool. Nothing is imported before the modules in question: what this file needs itself
is already there, or comes after the measurement. CPython 3.6 to 3.14.
"""

import sys

# An import runs a module through one of these two loaders; both are there before any program.
external = sys.modules["_frozen_importlib_external"]
begun = []


def record(loader, method):
    original = getattr(loader, method)

    def recorded(self, argument):
        # `create_module` of an extension gets a spec, `exec_module` of a source a module.
        spec = getattr(argument, "__spec__", argument)
        begun.append((spec.name, spec.origin))
        return original(self, argument)

    setattr(loader, method, recorded)


record(external.SourceFileLoader, "exec_module")
record(external.ExtensionFileLoader, "create_module")

failed = {}
for wanted in sys.argv[1:]:
    try:
        if wanted == "mpi4py.MPI":
            # MPI_Init asks for a network; what it opens by itself is not part of the import.
            __import__("mpi4py")
            sys.modules["mpi4py"].rc.initialize = False
        __import__(wanted)
    except BaseException as error:  # Whatever ends an import.
        failed[wanted] = "%s: %s" % (type(error).__name__, error)

modules = [
    (name, getattr(module, "__file__", None), getattr(getattr(module, "__spec__", None), "origin", None))
    for name, module in list(sys.modules.items())
]
ran = list(begun)
with open("/proc/self/maps", "rb") as stream:
    maps = stream.read()

import json
import os

places = sorted({line.split(None, 5)[5] for line in maps.splitlines() if b" /" in line})


def is_object(path):
    try:
        with open(path, "rb") as stream:
            return stream.read(4) == b"\x7fELF"
    except OSError:
        return False



def real(files):
    return list(dict.fromkeys(os.path.realpath(it) for it in files if isinstance(it, str) and it.startswith("/")))


print(
    json.dumps(
        {
            "pid": os.getpid(),
            "failed": failed,
            "maps": [os.path.realpath(os.fsdecode(path)) for path in places if is_object(path)],
            # What began to run, also what failed then; and everything that is there, without what is part of the interpreter.
            "began": real(file for _, file in ran),
            "modules": real(file for name, file, _ in modules if name != "__main__"),
            "frozen": real(file for _, file, origin in modules if origin == "frozen"),
        }
    ),
    flush=True,
)
# Libraries that are not initialised may not want to be finalised.
os._exit(0)
