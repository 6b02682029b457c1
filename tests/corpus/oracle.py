"""Says what the running interpreter really did: run by `tests/corpus/run` inside a built environment.

    python oracle.py IMPORT... [--broken FILE...]  > truth.json

Performs the imports in order, then asks the process: /proc/self/maps for what is mapped, dlsym on the handle of an
extension for the file that its symbols are bound to (the handle's scope is the extension and its dependencies), the
library itself for version and settings, the packages for what they know. Standard library only.
"""

import ctypes
import importlib
import json
import os
import platform
import sys
import sysconfig


class DlInfo(ctypes.Structure):
    _fields_ = [("file", ctypes.c_char_p), ("base", ctypes.c_void_p), ("name", ctypes.c_char_p), ("at", ctypes.c_void_p)]


PROCESS = ctypes.CDLL(None)
PROCESS.dladdr.argtypes = [ctypes.c_void_p, ctypes.POINTER(DlInfo)]

# Every spelling that PyPI, conda and distributions use for one function of OpenBLAS.
SPELLINGS = [(prefix, suffix) for prefix in ("", "scipy_") for suffix in ("", "64_", "_64")]


def mapped_files():
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
        paths = {line.split(None, 5)[5].rstrip("\n") for line in maps if "/" in line}
    return sorted(os.path.realpath(path) for path in paths if ".so" in os.path.basename(path))


def bound(handle, symbol):
    """The function that `symbol` is bound to, and the real file that defines it."""
    try:
        function = handle[symbol]
    except AttributeError:
        return None, None
    info = DlInfo()
    if not PROCESS.dladdr(ctypes.cast(function, ctypes.c_void_p), ctypes.byref(info)):
        return None, None
    return function, os.path.realpath(os.fsdecode(info.file))


def first_bound(handle, symbols):
    for symbol in symbols:
        function, path = bound(handle, symbol)
        if path:
            return function, path
    return None, None


def defining(symbols):
    """The mapped files that define one of the symbols themselves."""
    found = []
    for path in mapped_files():
        try:
            handle = ctypes.CDLL(path, mode=os.RTLD_NOLOAD | os.RTLD_NOW)
        except OSError:
            continue
        if first_bound(handle, symbols)[1] == path:
            found.append(path)
    return found


def blas_of(package, extension, gemm):
    """What OpenBLAS says behind one extension; nothing when another library answers."""
    handle = ctypes.CDLL(extension)
    _, lib = first_bound(handle, [prefix + gemm + suffix for prefix, suffix in SPELLINGS])
    config, _ = first_bound(handle, [f"{prefix}openblas_get_config{suffix}" for prefix, suffix in SPELLINGS])
    if not lib or not config:
        return {}
    config.restype = ctypes.c_char_p
    words = config().decode().split()
    parallel, _ = first_bound(handle, [f"{prefix}openblas_get_parallel{suffix}" for prefix, suffix in SPELLINGS])
    return {
        f"blas.{package}.vendor": words[0].lower(),
        f"blas.{package}.version": words[1],
        f"blas.{package}.lib": lib,
        f"blas.{package}.interface": "ilp64" if "USE64BITINT" in words else "lp64",
        f"blas.{package}.threading": ["sequential", "pthreads", "openmp"][parallel()],
    }


def of_numpy(module):
    core = "numpy._core" if int(module.__version__.split(".")[0]) >= 2 else "numpy.core"
    extension = importlib.import_module(core + "._multiarray_umath").__file__
    return blas_of("numpy", extension, "cblas_dgemm")


def of_scipy(_):
    extension = importlib.import_module("scipy.linalg._fblas").__file__
    return blas_of("scipy", extension, "dgemm_")


def of_h5py(module):
    handle = ctypes.CDLL(importlib.import_module("h5py.h5").__file__)
    parallel = bool(module.get_config().mpi)
    _, lib = bound(handle, "H5get_libversion")
    facts = {"hdf5.h5py.version": module.version.hdf5_version, "hdf5.h5py.lib": lib, "h5py.mpi": parallel}
    facts["hdf5.h5py.parallel"] = bound(handle, "H5Pset_fapl_mpio")[1] is not None
    return facts


def of_mpi4py(_):
    module = sys.modules.get("mpi4py.MPI")
    if module is None:
        return {}
    name, version = module.get_vendor()
    _, lib = bound(ctypes.CDLL(module.__file__), "MPI_Get_library_version")
    said = module.Get_library_version()
    vendor = {"Open MPI": "openmpi", "MPICH": "mpich", "Intel MPI": "intelmpi"}.get(name, name)
    number = ".".join(map(str, version))
    assert number in said, f"{number} is not in {said!r}"
    abi = "openmpi" if hasattr(PROCESS, "ompi_mpi_comm_world") or "Open MPI" in said else "mpich"
    return {"mpi.mpi4py.vendor": vendor, "mpi.mpi4py.version": number, "mpi.mpi4py.lib": lib, "mpi.mpi4py.abi": abi}


def of_process():
    families = (("libgomp", "GOMP_parallel"), ("libomp", "__kmpc_fork_call"))
    runtimes = []
    for family, symbol in families:
        for path in defining([symbol]):
            word = "libiomp5" if "iomp5" in os.path.basename(path) else family
            if not (family == "libgomp" and bound(ctypes.CDLL(path), "__kmpc_fork_call")[1] == path):
                runtimes.append(f"{word}:{path}")
    several = {
        "duplicates.blas": defining([f"{prefix}openblas_get_config{suffix}" for prefix, suffix in SPELLINGS]),
        "duplicates.hdf5": defining(["H5get_libversion"]),
        "duplicates.mpi": [path for path in defining(["MPI_Get_library_version"]) if "/mpi4py/" not in path],
    }
    return {"openmp.runtimes": sorted(runtimes), **{key: it if len(it) > 1 else [] for key, it in several.items()}}


def broken(paths):
    """Those files that the loader refuses."""
    refused = []
    for path in paths:
        try:
            ctypes.CDLL(path)
        except OSError:
            refused.append(path)
    return sorted(refused)


def main(arguments):
    cut = arguments.index("--broken") if "--broken" in arguments else len(arguments)
    failed = []
    for name in arguments[:cut]:
        try:
            if name.startswith("mpi4py"):
                rc = importlib.import_module("mpi4py").rc  # Nothing is started: a name is asked, no network.
                rc.initialize = rc.finalize = False
            importlib.import_module(name)
        except Exception:  # Whatever it is, the import failed.
            failed.append(name)
    facts = {
        "python.version": platform.python_version(),
        "python.implementation": sys.implementation.name,
        "python.soabi": sysconfig.get_config_var("SOABI"),
        "import_fails": failed,
        "broken": broken(arguments[cut + 1 :]),
        **of_process(),
    }
    for name, ask in (("numpy", of_numpy), ("scipy", of_scipy), ("mpi4py", of_mpi4py), ("h5py", of_h5py)):
        module = sys.modules.get(name)
        if module is not None:
            facts[f"pkg.{name}.version"] = module.__version__
            facts.update(ask(module))
    json.dump(facts, sys.stdout, indent=1)


main(sys.argv[1:])
