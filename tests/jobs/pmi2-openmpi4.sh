#!/bin/bash
#SBATCH -N 1 -n 16
export OMP_NUM_THREADS=1
srun --mpi=pmi2 python a.py
