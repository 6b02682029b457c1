#!/bin/bash
#MSUB -n 32
#MSUB -c 4
#MSUB -q milan
#MSUB -T 1800
export OMP_NUM_THREADS=4 OMP_PROC_BIND=close
ccc_mprun python app.py
