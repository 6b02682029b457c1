#!/bin/bash
#SBATCH -N 1 -n 16 --exclusive
export OMP_NUM_THREADS=16
bash ./step.sh a.py
