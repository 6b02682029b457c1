import os
os.environ["OPENBLAS_NUM_THREADS"] = "8"
import numpy
