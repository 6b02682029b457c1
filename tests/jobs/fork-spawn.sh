#!/bin/bash
#SBATCH -N 1 -n 1 -c 16
export OMP_NUM_THREADS=1
srun -c 16 python pool_spawn.py
