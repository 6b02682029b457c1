#!/bin/bash
#SBATCH --image=docker:org/sci:1
#SBATCH -N 1 -n 8 -c 8
export OMP_NUM_THREADS=8
srun -c 8 shifter --env=PYTHONNOUSERSITE=1 python3 run.py
