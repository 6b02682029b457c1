#!/bin/bash
#SBATCH -N 1 -n 8 -c 8
export PYTHONPATH=/project/tools/python
srun -c 8 apptainer exec --cleanenv --env OMP_NUM_THREADS=8,PYTHONNOUSERSITE=1 /project/sci.sif python3 run.py
