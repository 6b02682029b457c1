#!/bin/bash
#$ -N run
#$ -pe mpi 32
#$ -cwd
export OMP_NUM_THREADS=1
mpirun -np $NSLOTS python post.py
