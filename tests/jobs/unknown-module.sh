#!/bin/bash
#SBATCH -N 1 -n 16 --exclusive
module load mpich/4.2.2 strange/1.0
mpiexec -n 16 python a.py
