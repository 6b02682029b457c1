#!/bin/bash
#SBATCH -N 1 -n 64 --exclusive
module load python/3.11 mpich/4.2.2
mpiexec -n 64 python a.py
