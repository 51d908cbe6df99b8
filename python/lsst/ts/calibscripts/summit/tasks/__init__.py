"""Stand-ins for the tasks of ip_isr, cp_pipe and cp_verify, run by the real pipetask."""
