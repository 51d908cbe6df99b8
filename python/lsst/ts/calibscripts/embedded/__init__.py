"""The observatory's middleware, embedded in one process, for machines without the real one."""
