"""The OCPS: its jobs, the requests for them, and the pipelines that are installed."""
