#!/bin/bash
#SBATCH -N 1 -n 8 -c 8
export OMP_NUM_THREADS=8
while read case; do
  srun -c 8 python a.py "$case"
done < cases.txt
