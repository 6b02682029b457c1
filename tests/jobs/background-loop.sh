#!/bin/bash
#SBATCH -N 1 -n 8 -c 8
export OMP_NUM_THREADS=8
for i in $(seq 8); do
  srun --exact -n 1 -c 8 python a.py $i &
done
wait
