#!/bin/bash
#SBATCH -N 1 -n 4
#SBATCH -c 8
export OMP_NUM_THREADS=8
srun python a.py
