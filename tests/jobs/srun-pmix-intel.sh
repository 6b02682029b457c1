#!/bin/bash
#SBATCH -N 2 --ntasks-per-node=16
module load python/3.11 intelmpi/2021.13
export OMP_NUM_THREADS=1
srun --mpi=pmix python app.py
