#!/bin/bash
for n in 1 2 4; do
sbatch <<EOF
#!/bin/bash
#SBATCH -N $n -n 64 -c 16
export OMP_NUM_THREADS=999
srun python a.py
EOF
done
