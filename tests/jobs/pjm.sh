#!/bin/bash
#PJM -L node=2
#PJM --mpi proc=8
#PJM -L elapse=1:00:00
export OMP_NUM_THREADS=12
mpiexec -n 8 python3 app.py
