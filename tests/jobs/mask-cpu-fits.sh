#!/bin/bash
#SBATCH -N 1 -n 2 --exclusive
export OMP_NUM_THREADS=4
srun --cpu-bind=verbose,mask_cpu:0xf,0xf0 python solve.py
