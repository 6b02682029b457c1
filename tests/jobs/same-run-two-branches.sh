#!/bin/bash
#SBATCH -N 1 -n 16 --exclusive
module load python/3.11 mpich/4.2.2
export OMP_NUM_THREADS=16
if [ -d "$HOME/cache" ]; then
  export CACHE=$HOME/cache
fi
if [ "$(hostname)" = login1 ]; then
  export WHERE=login
else
  export WHERE=compute
fi
mpiexec -n 16 python a.py
