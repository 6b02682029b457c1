#!/bin/bash
#SBATCH -N 1 -n 16 --exclusive
module load python/3.11 intelmpi/2021.13
export OMP_NUM_THREADS=1
mpiexec -n 16 python a.py
