#!/bin/bash
#SBATCH -N 1 -n 8 -c 8 --exclusive
export OPENBLAS_NUM_THREADS=8
srun -c 8 --cpu-bind=none python a.py
