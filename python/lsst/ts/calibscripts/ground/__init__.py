"""What knows nothing of calibrations: text, ranges of time, threads and cancellation."""
