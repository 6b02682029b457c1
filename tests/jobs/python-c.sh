#!/bin/bash
#SBATCH -N 1 -n 1 -c 8
export OMP_NUM_THREADS=8
srun -c 8 python -c "
import numpy, os
os.environ['OMP_NUM_THREADS'] = '1'
print(numpy.ones(3))
"
