#!/bin/bash
#SBATCH -c 8
#SBATCH -t 1:00:00
source ~/miniconda3/etc/profile.d/conda.sh
conda activate sci
export PYTHONNOUSERSITE=1
python analyse.py
