#!/bin/bash
#SBATCH -N 2
#SBATCH --ntasks-per-node=8
module load python/3.11 mpich/4.2.2
export OMP_NUM_THREADS=1
mpiexec -n 32 -ppn 8 python a.py
