#!/bin/bash
#SBATCH -N 1 -n 16 --exclusive
module load python/3.11 mpich/4.2.2
if [[ $(hostname) == fat* ]]; then
  export OMP_NUM_THREADS=16
else
  export OMP_NUM_THREADS=4
fi
mpiexec -n 16 python a.py
