#!/bin/bash
#SBATCH -N 1 -n 8 -c 8
export OMP_NUM_THREADS=0
srun -c 8 python a.py
