"""The ScriptQueue and the Scheduler of the simulated summit, and stand-ins for scripts of other packages."""
