"""Environments with pinned wheels, shared by `run` and `processes`: a venv per name below target/corpus, built again when
its pins change. Standard library only; needs Linux and Python >= 3.9 with venv and pip, or an older one with ensurepip."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", PROJECT / "target"))


def add_arguments(parser, environments):
    parser.add_argument("environments", nargs="*", metavar="ENVIRONMENT", help=", ".join(environments))
    parser.add_argument("--tool", help="the pyhpc-audit to test; default: cargo build")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--into", type=pathlib.Path, default=TARGET / "corpus")


def check_names(parser, names, environments):
    unknown = set(names) - set(environments)
    if unknown:
        parser.error(f"no such environment: {', '.join(sorted(unknown))}; there are {', '.join(environments)}")


def build_tool():
    subprocess.run(["cargo", "build", "--bins"], cwd=PROJECT, check=True)
    return str(TARGET / "debug" / "pyhpc-audit")


def pins_for(python, pins_by_version):
    """The words of the Python at hand, and the last row of pins that is not above it; None when there is none."""
    ask = "import sys; print(*sys.version_info[:3], sys.implementation.name)"
    words = subprocess.run([python, "-c", ask], stdout=subprocess.PIPE, check=True).stdout.decode().split()
    usable = [row for row in pins_by_version if row <= tuple(map(int, words[:2]))]
    return words, pins_by_version[max(usable)] if usable else None


def build(name, python, into, pins_by_version, more=(), breaks=None, dependencies=False):
    """The prefix of an environment, and the files that were broken on purpose."""
    words, pins = pins_for(python, pins_by_version)
    if pins is None:
        stop(f"{name}: no pins for Python {'.'.join(words[:3])}")
    pins = [*pins, *more]
    prefix, mark = into / name, into / f"{name}.json"
    wanted = {"python": [os.path.realpath(python), *words], "pins": pins}
    known = json.loads(mark.read_text(encoding="utf-8")) if mark.exists() else {}
    if known.get("wanted") == wanted and prefix.exists():
        return prefix, known["spoilt"]
    print(f"{name}: {' '.join(pins)}", flush=True)
    shutil.rmtree(prefix, ignore_errors=True)
    mark.unlink(missing_ok=True)
    into.mkdir(parents=True, exist_ok=True)
    install(python, prefix, pins, dependencies)
    site = next((prefix / "lib").glob("python3*/site-packages"))
    spoilt = [str(path) for path in (breaks(site) if breaks else [])]
    mark.write_text(json.dumps({"wanted": wanted, "spoilt": spoilt}), encoding="utf-8")
    return prefix, spoilt


def install(python, prefix, pins, dependencies):
    """A venv with its own pip; with the pip of the caller where ensurepip is a package of its own, as in Debian."""
    wheels = ["install", "--quiet", "--only-binary=:all:", "--disable-pip-version-check", *pins]
    wheels += [] if dependencies else ["--no-deps"]
    if attempt([python, "-m", "venv", str(prefix)]):
        command = [str(prefix / "bin" / "python"), "-m", "pip", *wheels]
    elif attempt([python, "-m", "venv", "--without-pip", "--clear", str(prefix)]):
        command = [python, "-m", "pip", "--python", str(prefix / "bin" / "python"), *wheels]
    else:
        stop(f"{python} cannot make a venv")
    for _ in range(2):  # Registries hiccup.
        if attempt(command):
            return
    stop(f"could not install {' '.join(pins)} with {python}: it needs pip and a package registry")


def attempt(command):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    return subprocess.run(command, stdin=subprocess.DEVNULL, env=environment, check=False).returncode == 0


def stop(message):
    print(f"tests/corpus: {message}", file=sys.stderr)
    sys.exit(2)


def environment_of(prefix):
    """What both the tool and the process see. No user site: it belongs to the machine, not to the case."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "LD_", "VIRTUAL_"))}
    return {**kept, "PYTHONNOUSERSITE": "1", "OPENBLAS_NUM_THREADS": "1", "TMPDIR": str(prefix)}
