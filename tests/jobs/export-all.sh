#!/bin/bash
#SBATCH -N 1 -n 8 -c 8
#SBATCH --export=NONE
unset SLURM_EXPORT_ENV
export OMP_NUM_THREADS=8
srun -c 8 --export=ALL,OMP_PROC_BIND=true python a.py
