#!/bin/bash -l
#SBATCH --nodes 1   --ntasks 8
#SBATCH --cpus-per-task 8
export OMP_NUM_THREADS="${SLURM_CPUS_PER_TASK}"
srun --cpus-per-task ${SLURM_CPUS_PER_TASK} /opt/py/bin/python3 -X faulthandler -W ignore -u a.py
