#!/bin/bash
#SBATCH -N 1 -n 16
export OMP_NUM_THREADS=8
srun --exact -n 1 -c 8 python a.py &
srun --exact -n 1 -c 8 python b.py &
wait
