#!/bin/bash
export OMP_NUM_THREADS=16
python "$@"
