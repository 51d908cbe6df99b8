"""``python -m lsst.ts.calibscripts.cli``: the command where the package is set up with eups and not installed."""

from . import main

main(prog_name="calibscripts")
