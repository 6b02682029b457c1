#!/bin/bash
#COBALT -n 4 -t 30 -q default
aprun -n 32 -N 8 -d 4 -j 1 -cc depth -e OMP_NUM_THREADS=4 -e KMP_AFFINITY=none python app.py
