#!/bin/tcsh -f
#SBATCH -N 1
#@ rest
source /etc/profile.d/modules.csh
module load python
set n = 4
@ total = $n * 2
@ total++
set list = (a b "c d")
set path = (/opt/bin $path)
setenv OMP_NUM_THREADS $n
setenv LD_LIBRARY_PATH ${LD_LIBRARY_PATH}:/opt/lib
if ($?SLURM_NTASKS) then
  setenv RANKS $SLURM_NTASKS
else if ($n > 3) then
  setenv RANKS 9
else
  setenv RANKS 1
endif
if ($n == 4) setenv FOUR yes
foreach i ($list)
  srun -n $total python a.py $i >& log.$i &
end
wait
switch ($HOST)
  case gpu*:
    setenv PLACES gpu
    breaksw
  default:
    setenv PLACES cpu
    breaksw
endsw
set nodes=`wc -l < $PBS_NODEFILE`
mpirun -np $nodes python "$list[2]" $#list | tee out
unsetenv FOUR
python $argv[1] && echo done
exit(1)
srun never
