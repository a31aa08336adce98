# Mapped files and tensors from their bytes.
