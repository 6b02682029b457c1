#!/bin/bash
#SBATCH -N 1 -n 8 -c 8
export OMP_NUM_THREADS=8
srun -c 8 singularity exec --no-home /project/sci.sif python3 run.py
