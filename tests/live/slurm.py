"""Slurm on one node, from the packages of Debian: its daemons run as root from a private folder and end with the script.

A node may be declared with more CPUs than the machine has (hwloc is told so too). Tasks whose masks the machine cannot give
do not start there then; the masks that Slurm worked out for them stand in the log of slurmd."""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

PACKAGES = ["slurm-wlm", "slurmctld", "slurmd", "munge"]
DAEMONS = ["munged", "slurmctld", "slurmd", "sbatch", "srun"]
WAIT_SECONDS = 30

CONF = """ClusterName=live
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={at}/munge.sock
CredType=cred/munge
StateSaveLocation={at}/state
SlurmdSpoolDir={at}/spool
SlurmctldPidFile={at}/slurmctld.pid
SlurmdPidFile={at}/slurmd.pid
SlurmctldLogFile={at}/slurmctld.log
SlurmdLogFile={at}/slurmd.log
SlurmdDebug=verbose
ProctrackType=proctrack/linuxproc
TaskPlugin=task/affinity
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
ReturnToService=2
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} Sockets={sockets} CoresPerSocket={cores} ThreadsPerCore=1 State=UNKNOWN
PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def missing():
    """Why Slurm cannot run here; None when it can. Installs it where that is allowed."""
    if os.geteuid() != 0:
        return "its daemons need root"
    if all(shutil.which(it) for it in DAEMONS):
        return None
    if not shutil.which("apt-get"):
        return "there is no apt-get to install it with"
    install = ["apt-get", "install", "-y", "--no-install-recommends", *PACKAGES]
    quiet = {"env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, "stdout": subprocess.DEVNULL, "check": False}
    if subprocess.run(install, **quiet).returncode != 0:
        subprocess.run(["apt-get", "update"], **quiet)
        if subprocess.run(install, **quiet).returncode != 0:
            return f"apt-get could not install {' '.join(PACKAGES)}"
    return None if all(shutil.which(it) for it in DAEMONS) else "the packages lack its daemons"


class Cluster:
    """A running Slurm of one node; `with` ends it."""

    def __init__(self, at, sockets, cores, declared=False):
        self.at, self.sockets, self.cores, self.declared = pathlib.Path(at), sockets, cores, declared
        self.conf = self.at / "slurm.conf"

    def __enter__(self):
        shutil.rmtree(self.at, ignore_errors=True)
        for name in ["state", "spool"]:
            (self.at / name).mkdir(parents=True)
        host = socket.gethostname().split(".", maxsplit=1)[0]
        values = {"host": host, "at": self.at, "sockets": self.sockets, "cores": self.cores}
        self.conf.write_text(CONF.format(cpus=self.sockets * self.cores, **values), encoding="utf-8")
        key = self.at / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        try:
            self.start(["munged", "--force", f"--key-file={key}", f"--socket={self.at}/munge.sock",
                        f"--pid-file={self.at}/munged.pid", f"--log-file={self.at}/munged.log",
                        f"--seed-file={self.at}/munge.seed"])
            self.start(["slurmctld", "-f", str(self.conf)])
            self.start(["slurmd", "-f", str(self.conf)])
            self.wait_for_node()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def environment(self):
        return {"SLURM_CONF": str(self.conf)}

    def version(self):
        return self.ask("srun", "--version").split()[-1]

    def mpi_types(self):
        return re.findall(r"^\s+(\S+)$", self.ask("srun", "--mpi=list"), re.MULTILINE)

    def log(self):
        return (self.at / "slurmd.log").read_text(errors="replace")

    def start(self, command):
        shape = {"HWLOC_SYNTHETIC": f"pack:{self.sockets} core:{self.cores} pu:1"} if self.declared else {}
        subprocess.run(command, env={**os.environ, **self.environment(), **shape}, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)

    def ask(self, *command):
        done = subprocess.run(command, env={**os.environ, **self.environment()}, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return done.stdout.decode(errors="replace")

    def wait_for_node(self):
        end = time.monotonic() + WAIT_SECONDS
        while self.ask("sinfo", "-h", "-o", "%t").strip() != "idle":
            if time.monotonic() > end:
                raise TimeoutError(f"the node is not idle: {self.ask('sinfo', '-N', '-l')}")
            time.sleep(0.3)

    def stop(self):
        pids = []
        for name in ["slurmd", "slurmctld", "munged"]:
            file = self.at / f"{name}.pid"
            if file.exists() and file.read_text().strip().isdigit():
                pids.append(int(file.read_text()))
                end_process(pids[-1], signal.SIGTERM)
        end = time.monotonic() + WAIT_SECONDS
        while any(map(alive, pids)):
            if time.monotonic() > end:
                for pid in filter(alive, pids):
                    end_process(pid, signal.SIGKILL)
                return
            time.sleep(0.1)


def end_process(pid, how):
    try:
        os.kill(pid, how)
    except ProcessLookupError:
        pass


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
