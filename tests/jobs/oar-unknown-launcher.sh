#!/bin/bash
#OAR -l nodes=2/core=16,walltime=1:00:00
#OAR -n test
source /etc/profile
export OMP_NUM_THREADS=2
mpirun -np 32 -machinefile $OAR_NODEFILE python app.py
