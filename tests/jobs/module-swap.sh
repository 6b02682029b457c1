#!/bin/bash
#SBATCH -N 1 -n 16 --exclusive
ml purge
ml python/3.11 openmpi/4.1.6
module swap openmpi/4.1.6 mpich/4.2.2
export OMP_NUM_THREADS=4 OMP_PROC_BIND=close
mpirun -np 16 python a.py
