#!/bin/bash
#SBATCH -N 1 -n 2 -c 8
module load python/3.11 openmpi/4.1.6
export OMP_NUM_THREADS=$SLURM_CPUS_PER_TASK
mpirun -np 2 python app.py
