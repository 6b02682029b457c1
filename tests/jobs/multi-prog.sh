#!/bin/bash
#SBATCH -N 1 -n 4 --exclusive
export OMP_NUM_THREADS=16
srun -n 4 -c 16 --multi-prog tasks.conf
