import multiprocessing as mp
import numpy as np
def work(i):
    return np.linalg.norm(np.ones((100, 100)) * i)
if __name__ == "__main__":
    with mp.get_context("spawn").Pool(16) as p:
        print(sum(p.map(work, range(64))))
