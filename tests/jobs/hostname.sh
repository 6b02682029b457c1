#!/bin/bash
#SBATCH -N 1 -n 16 --exclusive
module load python/3.11 mpich/4.2.2
mpiexec -n 16 hostname
export OMP_NUM_THREADS=1
mpiexec -n 16 python a.py
export OMP_NUM_THREADS=999 OMP_PROC_BIND=true
mpiexec -n 16 ./a.out
