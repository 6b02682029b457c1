#!/bin/bash
#SBATCH -N 1 -n 8
export OMP_NUM_THREADS=${SLURM_CPUS_PER_TASK:-1}
srun python a.py
