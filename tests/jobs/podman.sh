#!/bin/bash
#SBATCH -N 1 -n 1 -c 8
export PYTHONPATH=/project/tools LD_PRELOAD=/opt/darshan.so
srun -c 8 podman run --rm -e OMP_NUM_THREADS=8 docker.io/library/sci:1 python3 run.py
