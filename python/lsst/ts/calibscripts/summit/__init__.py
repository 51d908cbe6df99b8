"""A whole simulated summit on one machine."""
