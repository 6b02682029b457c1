#!/bin/bash
#SBATCH -p small
#SBATCH -N 1 --ntasks-per-node=16
module load python/3.11 mpich/4.2.2
export OMP_NUM_THREADS=4
mpiexec -n 16 python a.py
