#!/bin/bash
#SBATCH -N 1 -n 8 -c 8
run() {
  OMP_NUM_THREADS=$1 srun -n $2 -c $1 python "$3"
}
run 8 8 a.py
run 4 8 b.py
