"""What a takeImages command says of its images."""

from __future__ import annotations

__all__ = ["parse_key_value_map"]


def parse_key_value_map(text: str) -> dict[str, str]:
    """Read the keyValueMap of a takeImages command.

    Parameters
    ----------
    text : `str`
        As in ``imageType: BIAS, groupId: 2026-09-18T20:00:00.000``. A part without a colon belongs to the
        value before it, so that a reason may hold a comma.

    Returns
    -------
    keys : `dict` [`str`, `str`]
        Values by their key.

    Raises
    ------
    ValueError
        If the text begins with something that is not ``key: value``.
    """
    keys: dict[str, str] = {}
    last = ""
    for part in filter(str.strip, text.split(",")):
        name, colon, value = part.partition(":")
        if colon:
            last = name.strip()
            keys[last] = value.strip()
        elif last:
            keys[last] += f",{part}"
        else:
            raise ValueError(f"keyValueMap {text!r} does not begin with 'key: value'")
    return keys
