"""What happens in a run, as typed events; the state that they add up to, and what follows from it."""
