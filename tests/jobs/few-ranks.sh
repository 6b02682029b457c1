#!/bin/bash
#SBATCH -N 1 -n 4 --exclusive
export OMP_NUM_THREADS=1
srun python a.py
