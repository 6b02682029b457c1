#!/bin/bash
#SBATCH -N 1 -n 16 --exclusive
srun --cpu-bind=none ./per_rank.sh python app.py
