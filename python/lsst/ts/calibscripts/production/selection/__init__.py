"""Which exposures go into which calibration, and the file that says so."""
