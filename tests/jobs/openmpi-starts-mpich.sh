#!/bin/bash
#SBATCH -N 1 -n 16 --exclusive
module load python/3.11 openmpi/5.0.5
export OMP_NUM_THREADS=1
mpirun -np 16 python a.py
