#!/bin/bash
#SBATCH -N 2
export A=1
run before
if [ -f x ]; then
  run inside
done
run behind
for i in 1 2; do
  run loop $i
fi
run "at the end
