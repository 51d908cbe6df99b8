"""What becomes of a calibration that has moved from the one before it."""

from __future__ import annotations

from collections.abc import Iterator

from fault_table_support import ALL, DONE, FAILED, Case

from lsst.ts.calibscripts.testing.memory import Trouble

__all__ = ["MOVED"]


def _moved() -> Iterator[Case]:
    event = "A new calibration has moved from the one before it"
    require = {"compare_with_previous": "require"}
    moved = "nothing of it was certified"
    stays = "compare_with_previous is require, so it stays in u/ocps/"
    yield Case(
        event,
        "an amplifier of the bias has moved",
        DONE,
        ("BIAS compared with that in LATISS/calib/reference/run: level", "MOVED: RXX_S00 all 16"),
        ALL,
        faults=("bias-shifted",),
        shifts={"cpBias": 5.0},
    )
    yield Case(
        event,
        "an amplifier of the bias has moved, and none may (compare_with_previous: require)",
        FAILED,
        (
            moved,
            "BIAS compared with that in LATISS/calib/reference/run: level",
            "MOVED: RXX_S00 all 16",
            stays,
        ),
        (),
        config=require,
        faults=("bias-shifted",),
        shifts={"cpBias": 5.0},
    )
    yield Case(
        event,
        "an amplifier glows in the dark, and none may have moved (compare_with_previous: require)",
        FAILED,
        (
            moved,
            "DARK compared with that in LATISS/calib/reference/run: level",
            "MOVED: RXX_S00 all 16",
            stays,
        ),
        ("BIAS",),
        config=require,
        faults=("amplifier-glows",),
        shifts={"cpDark": 5.0},
    )
    yield Case(
        event,
        "there is new dust on the flat, and no amplifier may have moved (compare_with_previous: require)",
        FAILED,
        (
            moved,
            "FLAT compared with that in LATISS/calib/reference/run: level",
            "MOVED: RXX_S00 all 16",
            stays,
        ),
        ("BIAS", "DARK", "PTC"),
        config=require,
        faults=("dust-ring",),
        shifts={"cpFlat": 5.0},
    )
    yield Case(
        event,
        "a column of an amplifier is dead, and no defects may be new (compare_with_previous: require)",
        FAILED,
        (
            moved,
            "DEFECTS compared with that in LATISS/calib/reference/run: 16 pixels new, 0 pixels no longer a defect",
            "MOVED: RXX_S00 C10, C00",
            stays,
        ),
        ("BIAS", "DARK", "FLAT", "PTC"),
        config=require,
        faults=("dead-column",),
        references=("bias", "dark", "flat", "defects"),
        shifts={"cpDefects": 1.0},
    )
    yield Case(
        event,
        "no bias was valid before (compare_with_previous: require)",
        DONE,
        ("BIAS was compared with nothing: no calibration of its type was valid before",),
        ALL,
        config=require,
        references=("dark", "flat"),
    )
    lost = (Trouble("master", count=99, error=OSError("no route to host")),)
    yield Case(
        event,
        "the pixels of the calibrations cannot be read",
        DONE,
        ("BIAS was not compared with the calibration before it: no route to host",),
        ALL,
        troubles=lost,
    )
    yield Case(
        event,
        "the pixels of the calibrations cannot be read, and none may have moved (compare_with_previous: require)",
        FAILED,
        ("BIAS was not compared with the calibration before it: no route to host", stays),
        (),
        config=require,
        troubles=lost,
    )


MOVED = tuple(_moved())
