"""Many runs: what lists say of each, what they have measured, and how a run compares with those before it."""
