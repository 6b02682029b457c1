#!/bin/bash
#SBATCH -N 1 -n 32 --exclusive
module load python/3.11 openmpi/4.1.6
export OMP_NUM_THREADS=1
mpirun -np 32 python a.py &
wait
mpirun -np 32 python b.py &
wait
