#!/bin/bash
#SBATCH -N 1 -n 4 -c 4
export HDF5_USE_FILE_LOCKING=FALSE OMP_NUM_THREADS=4
srun -c 4 python a.py
export HDF5_USE_FILE_LOCKING=0
srun -c 4 python b.py
