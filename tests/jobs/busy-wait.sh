#!/bin/bash
#SBATCH -N 1 -n 8 -c 8
export OMP_NUM_THREADS=8 OMP_WAIT_POLICY=active
srun -c 8 python a.py
