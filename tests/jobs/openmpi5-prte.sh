#!/bin/bash
#SBATCH -N 1 -n 4 --exclusive
module load python/3.11 openmpi/5.0.5
export PRTE_MCA_hwloc_default_binding_policy=none
export OMPI_MCA_pml=ob1
export OMP_NUM_THREADS=16
mpirun -np 4 python app.py
