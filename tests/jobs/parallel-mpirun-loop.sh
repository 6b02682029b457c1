#!/bin/bash
#SBATCH -N 1 -n 32 --exclusive
module load python/3.11 openmpi/4.1.6
export OMP_NUM_THREADS=1
for i in 1 2 3 4; do
  mpirun -np 8 python a.py $i &
done
wait
