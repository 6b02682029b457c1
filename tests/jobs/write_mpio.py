from mpi4py import MPI
import h5py
f = h5py.File("out.h5", "w", driver="mpio", comm=MPI.COMM_WORLD)
