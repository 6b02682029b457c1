#!/bin/bash
#SBATCH -N 1 -n 8 -c 8
export OMP_NUM_THREADS=8
export KMP_AFFINITY=compact
srun -c 8 --cpu-bind=cores python a.py
