"""Everything that can be seen before the first exposure."""
