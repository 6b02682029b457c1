"""Real packages of the registries for `registry`: wheels by pip, Debian packages by apt with a root of its own. Downloads stay
below target/registry until they are too many; what is asked about is unpacked for one question at a time.

Standard library only; needs pip, apt and dpkg-deb, no root."""

import contextlib
import email
import hashlib
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile

# What the cache may hold; the packages that were used longest ago go first.
CACHE_BYTES = 4 << 30
# Larger packages are left out: they are bundles of the same libraries.
PACKAGE_BYTES = 200 << 20

SUITES = {"11": "bullseye", "12": "bookworm", "13": "trixie"}
TRUSTED = pathlib.Path("/etc/apt/trusted.gpg.d")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
DEFAULT_MIRROR = "http://deb.debian.org/debian"
OLDEST_GLIBC, NEWEST_GLIBC = 5, 39
LEGACY = {"manylinux2014": 17, "manylinux2010": 12, "manylinux1": 5}

ELF = b"\x7fELF"
MACH_O = {bytes.fromhex(it) for it in ("feedface", "feedfacf", "cefaedfe", "cffaedfe", "cafebabe", "cafebabf")}


class Package:
    """One file of a registry, and what it says of itself."""

    def __init__(self, path, name, version, place, depends):
        self.path, self.name, self.version, self.place, self.depends = path, name, version, place, depends

    def members(self):
        """Names and open files, as a stream."""
        if self.path.suffix == ".whl":
            with zipfile.ZipFile(self.path) as archive:
                for entry in archive.infolist():
                    if not entry.is_dir():
                        with archive.open(entry) as stream:
                            yield entry.filename, stream
            return
        command = ["dpkg-deb", "--fsys-tarfile", str(self.path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
                for entry in archive:
                    if entry.isfile():
                        yield entry.name.removeprefix("./"), archive.extractfile(entry)
            process.stdout.read()

    @contextlib.contextmanager
    def unpacked(self, wanted):
        """A directory with the members that `wanted` accepts by name and first four bytes; yields it and their names."""
        with tempfile.TemporaryDirectory(prefix="registry-") as scratch:
            names = []
            for name, stream in self.members():
                magic = stream.read(4)
                if ".." in pathlib.PurePath(name).parts or not wanted(name, magic):
                    continue
                place = pathlib.Path(scratch, name)
                place.parent.mkdir(parents=True, exist_ok=True)
                with open(place, "wb") as out:
                    out.write(magic)
                    while chunk := stream.read(1 << 20):
                        out.write(chunk)
                names.append(name)
            yield pathlib.Path(scratch), sorted(names)

    def distinct(self, directory, names):
        """Of files with the same bytes the one with the longest name: a wheel holds copies where others have links."""
        longest = {}
        for name in sorted(names, key=lambda it: (-len(it.rsplit("/", 1)[-1]), it)):
            with open(directory / name, "rb") as stream:
                longest.setdefault(hashlib.file_digest(stream, "sha1").digest(), name)
        return sorted(longest.values())

    def text(self, name):
        """One member as text; empty where it is not there."""
        return next((it.read().decode("utf-8", "replace") for found, it in self.members() if found == name), "")


def is_object(name, magic):
    """A shared object of Linux or macOS, by name and content."""
    base = name.rsplit("/", 1)[-1]
    return (magic == ELF or magic in MACH_O) and bool(re.search(r"\.so(\.|$)|\.dylib$", base))


def upstream(version):
    """Debian's version without epoch, revision and what repacking adds: 1:4.9.0-3+b1 is 4.9.0, 4.3.0+really4.2.1-1 is 4.2.1."""
    version = version.split(":", 1)[-1].rsplit("-", 1)[0].split("+really")[-1].lstrip(".")
    return re.split(r"[+~]", version)[0]


def wheels(rows, cache):
    """The wheels of rows `name version python arch`, downloaded where they are not there yet."""
    found = []
    for row in rows:
        name, version, python, arch = row.split()
        place = cache / "wheels" / f"{name}-{version}-{python}-{arch}"
        if not list(place.glob("*.whl")):
            print(f"pip download {row}", file=sys.stderr, flush=True)
            if not pip_download(f"{name}=={version}", python, arch, place):
                stop(f"no wheel {row}")
        found.append(wheel(next(iter(sorted(place.glob("*.whl")))), f"{python} {arch}"))
    return found


def wheel(path, place):
    os.utime(path)
    with zipfile.ZipFile(path) as archive:
        inside = next(it for it in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", it))
        metadata = email.message_from_bytes(archive.read(inside))
    depends = ", ".join(metadata.get_all("Requires-Dist") or [])
    return Package(path, metadata["Name"].lower().replace("_", "-"), metadata["Version"], place, depends)


def pip_download(pin, python, arch, place):
    major, minor = python[2], python[3:]
    marks = "m" if (int(major), int(minor)) < (3, 8) else ""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(place)]
    command += ["--implementation", "cp", "--python-version", f"{major}.{minor}", "--abi", python + marks, pin]
    for platform in platforms(arch):
        command += ["--platform", platform]
    for _ in range(2):  # Registries hiccup.
        if subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode == 0:
            return True
    return False


def platforms(arch):
    """Every tag that an up-to-date system of this kind takes."""
    if arch.startswith("macos-"):
        _, release, machine = arch.split("-")
        return [f"macosx_{release}_0_{machine}"]
    if arch.startswith("musl-"):
        return [f"musllinux_1_{minor}_{arch.removeprefix('musl-')}" for minor in range(3)]
    names = [f"manylinux_2_{minor}_{arch}" for minor in range(OLDEST_GLIBC, NEWEST_GLIBC)]
    return names + [f"{name}_{arch}" for name in LEGACY] + [f"linux_{arch}"]


def debian_packages(rows, cache, mirror):
    """The packages of rows `release arch name`, downloaded where they are not there yet."""
    missing = {}
    for row in rows:
        release, arch, name = row.split()
        if not debian_file(cache, release, arch, name):
            missing.setdefault(release, []).append((arch, name))
    for release, wanted in sorted(missing.items()):
        apt_download(release, wanted, cache, mirror)
    return [debian_package(debian_file(cache, *row.split()), row.split()[0]) for row in rows]


def debian_file(cache, release, arch, name):
    return next(iter(sorted((cache / "debian" / release).glob(f"{name}_*_{arch}.deb"))), None)


def debian_package(path, release):
    os.utime(path)
    fields = ["Package", "Version", "Architecture", "Depends", "Recommends"]
    command = ["dpkg-deb", "--field", str(path), *fields]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    control = email.message_from_bytes(done.stdout)
    place = f"Debian {release} {control['Architecture']}"
    return Package(path, control["Package"], control["Version"], place, control["Depends"] or "")


def apt_download(release, wanted, cache, mirror):
    """By an apt with lists and settings of its own: the machine's are left alone."""
    root, place = cache / "apt" / release, cache / "debian" / release
    for directory in (root / "etc/apt/preferences.d", root / "state/lists/partial", root / "cache/archives/partial", place):
        directory.mkdir(parents=True, exist_ok=True)
    (root / "status").touch()
    archs = sorted({arch for arch, _ in wanted})
    # From Debian 13 on the keys are no longer those of every source.
    trusted = any(TRUSTED.glob("debian-archive-*"))
    signed = "" if trusted else f" signed-by={KEYRING}"
    source = f"deb [arch={','.join(archs)}{signed}] {mirror or machine_mirror()} {SUITES[release]} main contrib non-free\n"
    (root / "etc/apt/sources.list").write_text(source, encoding="ascii")
    settings = {
        "Dir::Etc": str(root / "etc/apt"),
        "Dir::Etc::SourceParts": "-",
        "Dir::Etc::TrustedParts": str(TRUSTED),
        "Dir::State": str(root / "state"),
        "Dir::State::status": str(root / "status"),
        "Dir::Cache": str(root / "cache"),
        "APT::Architecture": archs[0],
        "APT::Sandbox::User": "",
        "Acquire::Languages": "none",
        "Acquire::Check-Valid-Until": "false",
    }
    options = [f"-o{key}={value}" for key, value in settings.items()] + [f"-oAPT::Architectures::={it}" for it in archs]
    packages = [f"{name}:{arch}" for arch, name in wanted]
    print(f"apt-get download, Debian {release}: {len(packages)} packages", file=sys.stderr, flush=True)
    for command in (["update"], ["download", *packages]):
        done = subprocess.run(["apt-get", "-q", *options, *command], cwd=place, stdout=subprocess.DEVNULL, check=False)
        if done.returncode:
            stop(f"apt-get {command[0]} failed for Debian {release}")


def machine_mirror():
    """The Debian mirror of the machine's own apt sources, else the one that every Debian names."""
    command = ["apt-get", "indextargets", "--format", "$(ORIGIN) $(LABEL) $(REPO_URI)", "Created-By: Packages"]
    try:
        lines = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()
    except (OSError, subprocess.CalledProcessError):
        lines = []
    return next((line.split()[2] for line in lines if line.startswith("Debian Debian ")), DEFAULT_MIRROR)


def bound_cache(cache):
    """Takes away the packages that were used longest ago."""
    files = [it for pattern in ("*.whl", "*.deb") for it in cache.rglob(pattern)]
    total = sum(it.stat().st_size for it in files)
    for path in sorted(files, key=lambda it: it.stat().st_mtime):
        if total <= CACHE_BYTES:
            return
        total -= path.stat().st_size
        path.unlink()


def stop(message):
    print(f"tests/corpus/registry: {message}", file=sys.stderr)
    sys.exit(2)
