"""The simulated OCPS and what runs its jobs."""
