#!/bin/bash
#SBATCH -N 2 --ntasks-per-node=8 --cpus-per-task=8
export OMP_NUM_THREADS=8 OMP_PLACES=cores
export SRUN_CPUS_PER_TASK=$SLURM_CPUS_PER_TASK
srun --hint=nomultithread --distribution=block:block python app.py
