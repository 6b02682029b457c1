#!/bin/bash
#SBATCH -N 1 -n 8 -c 4
export OMP_NUM_THREADS=4,2
srun -c 4 python a.py
