"""What the TensorRT back end needs: driver, library, CUDA, compiling, kept plans, running them."""
