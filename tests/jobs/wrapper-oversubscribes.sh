#!/bin/bash
#SBATCH -N 1 -n 16 --exclusive
srun --cpu-bind=none ./per_rank_many.sh app.py
