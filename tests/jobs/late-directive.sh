#!/bin/bash
#SBATCH -N 1
#SBATCH -n 4
cd /scratch/run
#SBATCH --cpus-per-task=16
#SBATCH --export=NONE
export OMP_NUM_THREADS=1
srun python a.py
