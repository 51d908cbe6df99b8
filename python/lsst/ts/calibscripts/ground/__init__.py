"""What knows nothing of calibrations: text, threads and cancellation."""
