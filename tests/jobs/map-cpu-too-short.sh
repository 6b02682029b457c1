#!/bin/bash
#SBATCH -N 2 -n 8 --exclusive
export OMP_NUM_THREADS=1
srun --cpu-bind=map_cpu:0,32 python solve.py
