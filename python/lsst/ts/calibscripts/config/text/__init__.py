"""What people write, read into values; mistakes that YAML hides."""
