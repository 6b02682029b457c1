#!/bin/bash
#SBATCH -N 1 --ntasks-per-node=8
#SBATCH -c 8 --hint=nomultithread
#SBATCH --exclusive
export OMP_NUM_THREADS=$SLURM_CPUS_PER_TASK
srun -c 8 python solve.py
