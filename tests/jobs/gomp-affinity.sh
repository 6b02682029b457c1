#!/bin/bash
#SBATCH -N 1 -n 4 --exclusive
export OMP_NUM_THREADS=4 GOMP_CPU_AFFINITY=0-3
srun --cpu-bind=none python a.py
