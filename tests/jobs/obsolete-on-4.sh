#!/bin/bash
#SBATCH -N 1 -n 2 --exclusive
module load python/3.11 openmpi/4.1.6
export OMPI_MCA_hwloc_base_binding_policy=none
export OMP_NUM_THREADS=32
mpirun -np 2 python a.py
