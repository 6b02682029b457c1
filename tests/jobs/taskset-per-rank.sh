#!/bin/bash
#SBATCH -N 1 -n 4 --exclusive
export OMP_NUM_THREADS=1
srun --cpu-bind=none bash -c 'exec taskset -c $SLURM_LOCALID python solve.py'
srun -n 1 numactl -C 0-3 python post.py
