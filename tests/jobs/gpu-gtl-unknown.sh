#!/bin/bash
#SBATCH -N 1 -n 4 -c 8
export MPICH_GPU_SUPPORT_ENABLED=1
export OMP_NUM_THREADS=8
srun -c 8 python a.py
