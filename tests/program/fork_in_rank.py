from mpi4py import MPI
import numpy as np, os
os.environ["OMP_NUM_THREADS"] = "1"
from multiprocessing import Pool
with Pool(32) as p:
    print(sum(p.map(lambda i: np.linalg.norm(np.ones((500,500))*i), range(64))))
