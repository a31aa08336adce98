# The CUDA module: files are listed here as they come.
