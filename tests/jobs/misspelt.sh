#!/bin/bash
#SBATCH -N 1 -n 1 -c 8
export KMP_AFINITY=none
export OMP_NUM_THREAD=8
srun -c 8 python a.py
