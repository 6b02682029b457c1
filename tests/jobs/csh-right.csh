#!/bin/tcsh
#SBATCH -N 1
#SBATCH -n 4
#SBATCH -c 16
setenv OMP_NUM_THREADS 16
if ($?SLURM_CPUS_PER_TASK) then
  setenv OMP_NUM_THREADS $SLURM_CPUS_PER_TASK
endif
srun -c $SLURM_CPUS_PER_TASK python a.py
