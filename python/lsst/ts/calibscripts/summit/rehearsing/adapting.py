"""What a rehearsal changes in the configuration of a script: its repository and its detectors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import yaml

from ...config import read_yaml
from ...errors import ConfigurationError
from ...tables.instruments import INSTRUMENTS

__all__ = ["adapt", "choose_detectors"]


def adapt(text: str, instrument: str, repo: str, detectors: Sequence[int]) -> tuple[str, tuple[str, ...]]:
    """Return the configuration for the rehearsal, and a sentence for each change.

    Parameters
    ----------
    text : `str`
        Configuration of a calibration script, YAML.
    instrument : `str`
        Butler instrument name.
    repo : `str`
        Repository of the rehearsal, where its images are: no other one is of use.
    detectors : sequence of `int`
        The only detectors that are read out; empty for all.

    Raises
    ------
    ConfigurationError
        If the text is not a mapping in YAML.
    """
    given, notes = _read(text), []
    before = given.get("repo", INSTRUMENTS[instrument].repo)
    if before != repo:
        notes.append(f"repo: {before} is replaced by {repo}")
    changes: dict[str, Any] = {"repo": repo}
    if detectors and not given.get("detectors"):
        changes["detectors"] = list(detectors)
        notes.append(f"detectors: only {_words(detectors)} are read out and processed")
    return yaml.safe_dump({**given, **changes}), tuple(notes)


def choose_detectors(texts: Iterable[str], instrument: str, wanted: Sequence[int]) -> tuple[int, ...]:
    """Return the only detectors that the camera has to read out; empty for all.

    Parameters
    ----------
    texts : iterable of `str`
        Configurations of the calibration scripts that are run.
    instrument : `str`
        Their butler instrument name.
    wanted : sequence of `int`
        Detectors that the rehearsal was asked to do with; empty for those of the configurations.

    Raises
    ------
    ConfigurationError
        If a detector is unknown, or a configuration asks for others than are wanted.
    """
    valid = INSTRUMENTS[instrument].valid_detectors
    if unknown := sorted(set(wanted) - set(valid)):
        raise ConfigurationError(
            [f"--detectors: {instrument} has no {_words(unknown)}, only {valid[0]}..{valid[-1]}."]
        )
    asked = [_asked(text) for text in texts]
    for each in asked:
        if wanted and (missing := sorted(set(each) - set(wanted))):
            raise ConfigurationError(
                [f"detectors: the configuration asks for {_words(missing)}, which --detectors leaves out."]
            )
    if wanted or not all(asked):
        return tuple(sorted(set(wanted)))
    return tuple(sorted({detector for each in asked for detector in each}))


def _asked(text: str) -> tuple[int, ...]:
    """Return the detectors that a configuration asks for; the script refuses what makes no sense."""
    found = _read(text).get("detectors")
    return tuple(each for each in found if isinstance(each, int)) if isinstance(found, list) else ()


def _read(text: str) -> dict[str, Any]:
    given, problems = read_yaml(text)
    if problems:
        raise ConfigurationError(problems)
    return dict(given)


def _words(detectors: Sequence[int]) -> str:
    return f"detector{'s' if len(detectors) > 1 else ''} {', '.join(map(str, detectors))}"
