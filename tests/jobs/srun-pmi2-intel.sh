#!/bin/bash
#SBATCH -N 2 --ntasks-per-node=16
module load python/3.11 intelmpi/2021.13
export OMP_NUM_THREADS=1 I_MPI_PMI_LIBRARY=/usr/lib64/libpmi2.so
srun --mpi=pmi2 python app.py
