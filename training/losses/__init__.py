"""One loss a file, each an `nn.Module` from tensors to a scalar."""
