#!/bin/bash
#SBATCH -N 1 -n 4 -c 4
export OMP_NUM_THREADS=4
srun -c 4 taskset -c 0-3 python solve.py
