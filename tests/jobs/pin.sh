#!/bin/bash
lo=$(( SLURM_LOCALID * 16 ))
export OMP_NUM_THREADS=16
exec numactl -C $lo-$((lo + 15)) python "$@"
