"""The butler repository of the simulated summit: its registry, its instruments and its reference calibrations."""
