#!/bin/bash
#SBATCH -N 1
#SBATCH -n 8
export OMP_NUM_THREADS=1
srun -n 16 python a.py
