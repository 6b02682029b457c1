#!/bin/bash
#SBATCH -N 1 -n 2 -c 8 --exclusive
module load python/3.11 openmpi/5.0.5
export OMP_NUM_THREADS=$SLURM_CPUS_PER_TASK
mpirun -np 2 --map-by slot:PE=8 python app.py
