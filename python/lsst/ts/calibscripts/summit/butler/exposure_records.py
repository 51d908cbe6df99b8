"""What the butler keeps of an exposure, beside its files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from astropy.time import Time
from lsst.daf.butler import Timespan

from ..hardware.focalplane import physical_filter

__all__ = ["exposure_record", "visit_records"]

_VISIT_SYSTEM = {"id": 0, "name": "one-to-one"}


def exposure_record(header: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the butler's exposure dimension keeps of a raw header.

    Parameters
    ----------
    header
        Primary header of a raw image; its times are TAI.

    Returns
    -------
    record
        Fields of the dimension record.
    """
    day, number = int(header["DAYOBS"]), int(header["SEQNUM"])
    begin, end = (Time(header[key], format="isot", scale="tai") for key in ("DATE-BEG", "DATE-END"))
    instrument = str(header["INSTRUME"])
    return {
        "instrument": instrument,
        "id": day * 100_000 + number,
        "obs_id": header["OBSID"],
        "physical_filter": physical_filter(instrument, str(header["FILTER"]), str(header["GRATING"])),
        "group": header["GROUPID"],
        "day_obs": day,
        "seq_num": number,
        "seq_start": number,
        "seq_end": number,
        "observation_type": str(header["IMGTYPE"]).lower(),
        "observation_reason": str(header["REASON"]),
        "science_program": str(header["PROGRAM"]),
        "target_name": "",
        "exposure_time": float(header["EXPTIME"]),
        "dark_time": float(header["DARKTIME"]),
        "can_see_sky": False,
        "has_simulated": True,
        "timespan": Timespan(begin, end),
    }


def visit_records(exposure: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the dimension records of the visit that consists of one exposure.

    A butler defines visits of flats only where it is set to take calibrations for visits, too; verifyDefects
    needs them.

    Parameters
    ----------
    exposure
        Record of the exposure, see `exposure_record`.

    Returns
    -------
    records
        Element and record, in an order in which they can be inserted.
    """
    of_instrument = {"instrument": exposure["instrument"]}
    shared = ("day_obs", "physical_filter", "seq_num", "exposure_time", "target_name", "timespan")
    kept = {name: exposure[name] for name in (*shared, "observation_reason", "science_program")}
    visit = {**of_instrument, "visit": exposure["id"]}
    return [
        ("visit_system", {**of_instrument, **_VISIT_SYSTEM}),
        ("visit", {**of_instrument, "id": exposure["id"], "name": exposure["obs_id"], **kept}),
        ("visit_definition", {**visit, "exposure": exposure["id"]}),
        ("visit_system_membership", {**visit, "visit_system": _VISIT_SYSTEM["id"]}),
    ]
