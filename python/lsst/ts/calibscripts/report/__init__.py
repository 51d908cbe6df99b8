"""What came of a run: its record and what the butler has of it, as a page, text, JSON and Markdown."""
