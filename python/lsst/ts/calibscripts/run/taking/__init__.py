"""The images of a run: the camera takes them, they arrive in the OODS, and each set is examined and closed."""
