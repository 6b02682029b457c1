#!/bin/bash
#SBATCH -p standard
#SBATCH -N 1 -n 8 -c 8
export OMP_NUM_THREADS=8
if [ "$SLURM_JOB_PARTITION" = debug ]; then
  export OMP_NUM_THREADS=64
fi
srun -c 8 python a.py
