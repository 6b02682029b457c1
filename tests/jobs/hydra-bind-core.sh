#!/bin/bash
#SBATCH -N 1 -n 16 --exclusive
module load python/3.11 mpich/4.2.2
export OMP_NUM_THREADS=4 OMP_PROC_BIND=close OMP_PLACES=cores
mpiexec -n 16 -bind-to core:4 python app.py
