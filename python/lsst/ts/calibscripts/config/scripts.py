"""The scripts of this package: name in the ScriptQueue, configuration and instrument of each."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import CalibScriptsError
from ..tables.instruments import INSTRUMENTS, Instrument
from . import CalibrationsConfig, did_you_mean
from .models import MODELS

__all__ = ["SCRIPTS", "ScriptRecord", "UnknownScriptError", "find_record"]


class UnknownScriptError(CalibScriptsError, LookupError):
    """There is no such script; the text names those there are."""


@dataclass(frozen=True)
class ScriptRecord:
    """What can be known of a script without running it."""

    name: str  #: Name in the ScriptQueue.
    model: type[CalibrationsConfig]  #: Model of its configuration.
    instrument: Instrument  #: The camera it takes images with.


SCRIPTS = {
    instrument.script: ScriptRecord(instrument.script, MODELS[instrument.name], instrument)
    for instrument in INSTRUMENTS.values()
}


def find_record(name: str) -> ScriptRecord:
    """Return the record of a script.

    Parameters
    ----------
    name : `str`
        Name in the ScriptQueue, e.g. ``auxtel/make_latiss_calibrations.py``.

    Raises
    ------
    UnknownScriptError
        If there is no such script; the text names those there are.
    """
    if name not in SCRIPTS:
        # The documents name a script of the Auxiliary Telescope as one of the Main Telescope.
        same = [known for known in SCRIPTS if known.rsplit("/", 1)[-1] == name.rsplit("/", 1)[-1]]
        near = did_you_mean(name, same or SCRIPTS)
        raise UnknownScriptError(
            f"this package has no script {name}; {near or 'it has ' + ', '.join(SCRIPTS)}"
        )
    return SCRIPTS[name]
