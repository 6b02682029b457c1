#!/bin/bash
#SBATCH -N 1 -n 16
module load python/3.11 openmpi/4.1.6
export OMP_NUM_THREADS=1
srun -n 16 mpirun -np 16 python a.py
