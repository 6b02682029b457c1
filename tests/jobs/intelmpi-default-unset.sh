#!/bin/bash
#SBATCH -N 1 -n 16 --exclusive
module load python/3.11 intelmpi/2021.13
mpiexec -n 16 python app.py
