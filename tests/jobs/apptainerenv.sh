#!/bin/bash
#SBATCH -N 1 -n 8 -c 8
export APPTAINERENV_OMP_NUM_THREADS=8 APPTAINERENV_PYTHONNOUSERSITE=1
srun -c 8 apptainer exec /project/sci.sif python3 run.py
