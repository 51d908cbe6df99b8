"""Datasets of the simulated summit: raw frames, combined calibrations and photon transfer curves, and their files."""
