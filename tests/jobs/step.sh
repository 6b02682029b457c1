#!/bin/bash
srun -n 16 --cpu-bind=none python "$1"
