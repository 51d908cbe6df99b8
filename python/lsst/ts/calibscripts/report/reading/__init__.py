"""What the jobs of a run left in the butler, read once, as frozen data."""
