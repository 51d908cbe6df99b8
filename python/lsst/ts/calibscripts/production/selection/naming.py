"""Names of the collections of a production, as DMTN-222 has them; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ...errors import ConfigurationError
from ...tables.products import PRODUCTS, Product

__all__ = ["LABELS", "Names", "filter_label", "product_of", "run_of", "runs_among"]

_PARTS = {
    "instrument": (re.compile(r"[A-Za-z]\w{0,31}"), "the butler's name of an instrument, such as LATISS"),
    "ticket": (re.compile(r"[A-Z][A-Z0-9]*-\w+"), "a ticket such as DM-43525"),
    "tag": (
        re.compile(r"\w[\w.+-]*"),
        "one word that says what the calibrations are for, such as lowerSetTemp",
    ),
    "rerun": (re.compile(r"\d{8}[a-z]"), "a date and a letter, YYYYMMDD and a to z, such as 20240326a"),
}
LABELS = tuple(product.label for product in PRODUCTS.values() if product.certified)
"""What can be made, by the names that labels begin with."""
_LABEL = re.compile(r"([a-z]+)(-[\w+]+)?")


@dataclass(frozen=True)
class Names:
    """Collections of one production.

    Raises
    ------
    ConfigurationError
        If a part is invalid; all that are wrong are reported.

    Notes
    -----
    DMTN-222, section "Naming conventions". A product is named by its label: ``bias``, ``dark``, ``flat-g`` for the
    flat in one filter, ``defects``, ``ptc``.
    """

    instrument: str  #: Butler instrument name.
    ticket: str  #: Ticket of the work, e.g. ``DM-43525``.
    tag: str  #: What the calibrations are for, in one word.
    rerun: str  #: When they were generated: ``YYYYMMDD`` and a letter.
    cert_rerun: str = ""  #: When they were certified; that of the generation where it is empty.

    def __post_init__(self) -> None:
        given = {"instrument": self.instrument, "ticket": self.ticket, "tag": self.tag, "rerun": self.rerun}
        problems = [_problem(name, name, value) for name, value in given.items()]
        if self.cert_rerun:
            problems.append(_problem("cert_rerun", "rerun", self.cert_rerun))
        if found := [problem for problem in problems if problem]:
            raise ConfigurationError(found)

    @property
    def calib(self) -> str:
        """CHAINED collection that everybody reads."""
        return f"{self.instrument}/calib"

    @property
    def chain(self) -> str:
        """CHAINED collection over what was certified for the ticket."""
        return f"{self.calib}/{self.ticket}"

    @property
    def base(self) -> str:
        """What the names of all other collections begin with."""
        return f"{self.chain}/{self.tag}"

    def generation(self, label: str) -> str:
        """Return the CHAINED collection of a generation, e.g. ``flatGen-g.20240326a``."""
        product, suffix = _split(label)
        known = PRODUCTS.get(product.upper())
        return f"{self.base}/{known.singular if known else product}Gen{suffix}.{self.rerun}"

    def verification(self, label: str) -> str:
        """Return the CHAINED collection of a verification, e.g. ``verifyFlat-g.20240326a``."""
        product, suffix = _split(label)
        return f"{self.base}/verify{product.title()}{suffix}.{self.rerun}"

    def certified(self, label: str) -> str:
        """Return the CALIBRATION collection of a product, e.g. ``flat-g.20240405a``."""
        product, suffix = _split(label)
        return f"{self.base}/{product}{suffix}.{self.cert_rerun or self.rerun}"

    @property
    def export(self) -> str:
        """Name of the directory that is exported to."""
        return f"calibs.{self.cert_rerun or self.rerun}"


def run_of(collection: str) -> str:
    """Return the RUN of a generation or verification: only there is what it made, and nothing older."""
    return f"{collection}/run"


def runs_among(collections: Iterable[str], names: Names) -> tuple[str, ...]:
    """Return the RUNs of a production among collections; what it has certified before counts as anybody's."""
    return tuple(c for c in collections if c.startswith(f"{names.base}/") and c.endswith(run_of("")))


def product_of(label: str) -> Product:
    """Return the product that a label names.

    Raises
    ------
    ConfigurationError
        If there is no such product, a product of all filters has a filter, or a flat has none.
    """
    name, suffix = _split(label)
    product = PRODUCTS.get(name.upper())
    if product is None or not product.certified:
        raise ConfigurationError(
            [f"'{label}' is not a product: write {', '.join(LABELS)}, for flats e.g. flat-g"]
        )
    if product.by_filter != bool(suffix):
        wanted = "needs its filter, as in flat-g" if product.by_filter else "is the same for all filters"
        raise ConfigurationError([f"'{label}': a {name} {wanted}"])
    return product


def filter_label(physical_filter: str, band: str, *, alone: bool) -> str:
    """Return a short name of a filter, for labels.

    Parameters
    ----------
    physical_filter : `str`
        E.g. ``SDSSr_65mm~empty``.
    band : `str`
        Its band, e.g. ``r``.
    alone : `bool`
        Is it the only one in its band?

    Returns
    -------
    `str`
        The band, or the physical filter as one word where the band is ambiguous.
    """
    return band if alone and band else re.sub(r"\W", "_", physical_filter)


def _split(label: str) -> tuple[str, str]:
    match = _LABEL.fullmatch(label)
    if match is None:
        *names, last = (f"{name}-g" if PRODUCTS[name.upper()].by_filter else name for name in LABELS)
        raise ConfigurationError([f"'{label}' is not a product: write {', '.join(names)} or {last}"])
    return match[1], match[2] or ""


def _problem(name: str, kind: str, value: str) -> str:
    pattern, wanted = _PARTS[kind]
    if pattern.fullmatch(value) and (kind != "rerun" or _is_date(value[:8])):
        return ""
    return f"{name} is '{value}', but it must be {wanted}"


def _is_date(text: str) -> bool:
    try:
        datetime.strptime(text, "%Y%m%d")
    except ValueError:
        return False
    return True
