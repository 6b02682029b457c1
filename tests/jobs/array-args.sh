#!/bin/bash
#SBATCH -N 2 --ntasks-per-node=4 -c 16
args=(-n 8 -c 16)
args+=(--cpu-bind=cores)
export OMP_NUM_THREADS=16 OMP_PLACES=cores
time srun "${args[@]}" python -u a.py |& tee log
