#!/bin/bash
#SBATCH -N 1 -n 4 -c 12
module load python/3.11 mvapich2/2.3.7
export OMP_NUM_THREADS=12
srun -c 12 --mpi=pmi2 python a.py
