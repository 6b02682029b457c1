#!/bin/bash
#SBATCH -N 1 -n 8 -c 8
export MKL_NUM_THREADS=64
export MKL_DYNAMIC=FALSE
srun -c 8 python a.py
