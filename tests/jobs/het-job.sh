#!/bin/bash
#SBATCH -N 1 -n 1 -c 8
#SBATCH hetjob
#SBATCH -N 2 -n 16 -c 8
export OMP_NUM_THREADS=8
srun --het-group=0 -c 8 python a.py : --het-group=1 -c 8 python b.py
