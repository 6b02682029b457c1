#!/bin/bash
#SBATCH -N 1 -n 8 -c 8
# srun python a.py
echo "srun -n 999 python a.py"
cat > note.txt <<EOT
mpirun -np 999 python b.py
EOT
export OMP_NUM_THREADS=8
srun -c 8 python a.py
