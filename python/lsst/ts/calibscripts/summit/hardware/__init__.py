"""Cameras, spectrograph, lamp, domes and telescope of the simulated summit."""
