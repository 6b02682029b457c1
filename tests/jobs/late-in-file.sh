#!/bin/bash
#SBATCH -N 1 -n 1 -c 8
srun -c 8 python early.py
