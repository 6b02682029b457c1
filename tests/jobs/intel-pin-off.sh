#!/bin/bash
#SBATCH -N 1 -n 8 --exclusive
module load python/3.11 intelmpi/2021.13
export I_MPI_PIN=0
export OMP_NUM_THREADS=8 OMP_PROC_BIND=close
mpirun -n 8 python a.py
