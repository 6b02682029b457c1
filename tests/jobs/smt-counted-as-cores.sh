#!/bin/bash
#SBATCH -N 1 --ntasks-per-node=8
#SBATCH -c 16
#SBATCH --exclusive
export OMP_NUM_THREADS=$SLURM_CPUS_PER_TASK
srun -c 16 --cpu-bind=cores python solve.py
