#!/bin/bash
#flux: --nodes=2
#flux: --exclusive
export OMP_NUM_THREADS=8 OMP_PROC_BIND=close OMP_PLACES=cores
flux run -N 2 -n 16 -c 8 -o cpu-affinity=per-task python app.py
