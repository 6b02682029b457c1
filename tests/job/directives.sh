#!/bin/bash

#SBATCH --job-name="two words" -N 2 # comment
# SBATCH -n 9
##SBATCH -n 9
#SBATCHX -n 9
#SBATCH	--tab='x #y' a\ b
#PBS -l select=1
#$ -pe mpi 4
#SBATCH
  #SBATCH -n 8
echo
#SBATCH -n 7
