"""How cp_pipe's task is made to pair flats, so that each two consecutive ones of equal time count."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import replace

from ..config import Pairing, flat_pairs
from .pipelines import Installed
from .task_options import TaskOptions

__all__ = ["paired_options", "pairing_warning"]

_FIELD = "matchExposuresType"
_TODAY = "PtcExtractPair"
"""End of the label of the task that pairs flats, in today's pipelines; its beginning is the name of the pipeline."""


def paired_options(installed: Installed, options: TaskOptions) -> tuple[TaskOptions, Pairing]:
    """Add the option with which each two consecutive flats of equal time make a pair, where the task has it.

    Without it cp_pipe makes one pair of a run of equal times, however long it is.

    Parameters
    ----------
    installed : `Installed`
        Pipeline that pairs flats; one whose definition cannot be read is taken for today's.
    options : `TaskOptions`
        Options that the user set; a ``matchExposuresType`` among them stays.

    Returns
    -------
    options : `TaskOptions`
        With the option, where it was added.
    pairing : `Pairing`
        How the job will pair flats.
    """
    for setting in reversed(options.words):
        name, _, value = setting.partition(":")[2].partition("=")
        if name == _FIELD:
            known = value.strip("'\" ").upper()
            return options, Pairing(known) if known in Pairing.__members__ else Pairing.TIME
    if installed.labels is not None and not any(_pairs_flats(name) for name in installed.classes.values()):
        # Linearizer and brighter-fatter kernel were once made from a Photon Transfer Curve, without any image.
        return options, Pairing.EXPID
    label = _label_of_today(installed) if installed.labels is None else _pair_task(installed)
    if label is None:
        return options, Pairing.TIME
    return replace(options, words=(*options.words, "-c", f"{label}:{_FIELD}={Pairing.EXPID}")), Pairing.EXPID


def _label_of_today(installed: Installed) -> str:
    name = installed.uri.partition("#")[0].rpartition("/")[2].removesuffix(".yaml")
    return f"{name.removesuffix('Ptc')}{_TODAY}"


def _pairs_flats(class_name: str) -> bool:
    return "Extract" in class_name.rpartition(".")[2]


def _pair_task(installed: Installed) -> str | None:
    """Return the label of the task that has the setting."""
    return next((label for label, name in sorted(installed.classes.items()) if _has_setting(name)), None)


def _has_setting(class_name: str) -> bool:
    module, _, name = class_name.rpartition(".")
    if name.endswith("ExtractPairTask"):
        # Today's. Not importing it saves seconds.
        return True
    if not _pairs_flats(class_name):
        return False
    try:
        return hasattr(getattr(importlib.import_module(module), name).ConfigClass, _FIELD)
    except Exception:
        # Whatever is wrong with a package that may be on the OCPS' machine only: then it is unknown, and an option
        # that the task does not have would make the job fail.
        return False


def pairing_warning(times: Sequence[float], pairing: Pairing) -> str:
    """Report how many pairs cp_pipe makes of flats, where there could be more.

    Parameters
    ----------
    times : sequence of `float`
        Exposure times (s) of the flats that are used, in the order they are taken.
    pairing : `Pairing`
        How the job pairs them.

    Returns
    -------
    `str`
        One sentence; empty where each two consecutive flats of equal time count.
    """
    made, possible = len(flat_pairs(times, pairing).pairs), len(flat_pairs(times).pairs)
    if made == possible:
        return ""
    return (
        f"Flats are paired by {_FIELD}={pairing}: of a run of equal exposure times only the first two make a pair. "
        f"Of these {len(times)} flats {made} {'pair is' if made == 1 else 'pairs are'} used, not {possible}. Let "
        "neighbouring pairs have different times in exp_times_flat to use them all."
    )
