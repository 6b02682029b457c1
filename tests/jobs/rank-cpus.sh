#!/bin/bash
#SBATCH -N 1 -n 4 --exclusive
srun --cpu-bind=none ./pin.sh a.py
