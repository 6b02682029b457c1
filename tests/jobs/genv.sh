#!/bin/bash
#SBATCH -N 1 -n 16 --exclusive
module load python/3.11 mpich/4.2.2
mpiexec -n 16 -genv OMP_NUM_THREADS 4 -bind-to core:4 python a.py
mpiexec -n 16 -genv OMP_NUM_THREADS 16 python a.py
