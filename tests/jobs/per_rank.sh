#!/bin/bash
export OMP_NUM_THREADS=4
export GPU=$SLURM_LOCALID
exec "$@"
