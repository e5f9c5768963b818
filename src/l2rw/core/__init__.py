"""The paper's idea, on PyTorch alone."""
