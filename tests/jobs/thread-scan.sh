#!/bin/bash
#SBATCH -N 1 -n 1 -c 32 --exclusive
for t in 1 2 4 8 16 32; do
  export OMP_NUM_THREADS=$t
  srun -n 1 -c $t python bench.py > out.$t
done
