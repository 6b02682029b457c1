#!/bin/bash
#SBATCH -c 4
export OMP_NUM_THREADS=4
srun -c 4 python a.py
