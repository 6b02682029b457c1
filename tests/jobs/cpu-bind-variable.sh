#!/bin/bash
#SBATCH -N 1 -n 8 -c 8
export SLURM_CPU_BIND=none
export OMP_NUM_THREADS=8 OMP_PROC_BIND=close
srun -c 8 python a.py
