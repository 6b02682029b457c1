#!/bin/bash
#SBATCH -N 1 -n 2 --exclusive
module load python/3.11 openmpi/5.0.5
export OMP_NUM_THREADS=16
mpirun -np 2 --mca rmaps_base_mapping_policy slot:PE=16 python app.py
