#!/bin/bash
#SBATCH -N 1 -n 4 -c 16 --exclusive
module load python/3.11 mvapich2/2.3.7
export MV2_ENABLE_AFFINITY=0
export OMP_NUM_THREADS=16
mpiexec -n 4 python a.py
