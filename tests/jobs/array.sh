#!/bin/bash
#SBATCH --array=0-99%10
#SBATCH -c 4
#SBATCH --mem=8G
module load python/3.11
export OMP_NUM_THREADS=$SLURM_CPUS_PER_TASK
python work.py --index $SLURM_ARRAY_TASK_ID
