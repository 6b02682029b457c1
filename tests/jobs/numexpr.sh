#!/bin/bash
#SBATCH -N 1 -n 8 -c 8
export OPENBLAS_NUM_THREADS=8
srun -c 8 python a.py
