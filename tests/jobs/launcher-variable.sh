#!/bin/bash
#SBATCH -N 1 -n 16 --exclusive
module load python/3.11 mpich/4.2.2
LAUNCH="mpiexec -n 16 -bind-to core"
export OMP_NUM_THREADS=4
$LAUNCH python a.py
