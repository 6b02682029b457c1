#!/bin/bash
#SBATCH -N 1 -n 16 --exclusive
module load python/3.11 mpich/4.2.2
export MKL_NUM_THREADS=1
mpiexec -n 16 python app.py
