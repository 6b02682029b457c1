#!/bin/bash
#SBATCH -N 1 -n 8 --exclusive
module load python/3.11 openmpi/4.1.6
export OMP_NUM_THREADS=4 OMP_PROC_BIND=true
mpirun -np 16 --oversubscribe python a.py
