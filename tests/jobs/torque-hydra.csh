#!/bin/csh
#PBS -l nodes=4:ppn=12,walltime=2:00:00
#PBS -q batch
cd $PBS_O_WORKDIR
module load python/3.11 mpich/4.2.2
setenv OMP_NUM_THREADS 1
set np = `cat $PBS_NODEFILE | wc -l`
mpiexec -n $np python a.py
