"""Handwritten digits, read by a scikit-learn network and by a PyTorch one."""
