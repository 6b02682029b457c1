#!/bin/bash
#SBATCH -N 1 -n 16 --exclusive
module load python/3.11 mpich/4.2.2
source ./not-there.env
mpiexec -n 16 python a.py
