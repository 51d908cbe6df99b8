"""Pages to watch runs on, to look back at nights and trends, and to sign decisions."""
