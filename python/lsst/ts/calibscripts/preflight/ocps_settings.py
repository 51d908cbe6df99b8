"""What the OCPS says of its settings: the camera it is configured for."""

from __future__ import annotations

from typing import Any

from ..tables.instruments import INSTRUMENTS

__all__ = ["settings_problem", "settings_warning"]


def settings_problem(name: str, ocps: Any, instrument: str) -> str | None:
    """Return a sentence where the OCPS is configured for another camera, else None.

    Parameters
    ----------
    name : `str`
        Name of the component, e.g. ``OCPS:1``.
    ocps : `Remote`
        Its remote; what its event configurationApplied holds is read, nothing is waited for.
    instrument : `str`
        Butler instrument name that it should be configured for.
    """
    applied = _configurations(ocps)
    others = [each for each in INSTRUMENTS if each.lower() in map(str.lower, applied)]
    if instrument in others or not others:
        return None
    return (
        f"{name} is configured for {', '.join(others)}, not for {instrument}: start it with the configuration of "
        f"{instrument}, then queue the script or its BLOCK again."
    )


def settings_warning(name: str, ocps: Any, instrument: str) -> str | None:
    """Return a sentence where the OCPS does not say which camera it is configured for, else None.

    What it takes is that of `settings_problem`.
    """
    applied = _configurations(ocps)
    known = map(str.lower, (instrument, *INSTRUMENTS))
    if {each.lower() for each in applied} & set(known):
        return None
    says = (
        f"its configurations are {', '.join(applied)}"
        if applied
        else "it has not reported its configurations"
    )
    return f"{name} may not have the configuration of {instrument}: {says}."


def _configurations(ocps: Any) -> tuple[str, ...]:
    data = ocps.evt_configurationApplied.get()
    words = "" if data is None else str(data.configurations)
    return tuple(name.removesuffix(".yaml") for part in words.split(",") if (name := part.strip()))
