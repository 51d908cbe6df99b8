"""Rehearsals: scripts and BLOCKs in the simulated summit, and what somebody sees of them."""
