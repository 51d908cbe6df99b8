"""What a production is called, which exposures go into each calibration, and the inputs of each; pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from ...plan.ordering import NOT_KNOWN, Order, Reads, order
from ...tables.products import PRODUCTS, Product
from .naming import Names, product_of

__all__ = ["ExposureChoice", "Selection"]


@dataclass(frozen=True)
class ExposureChoice:
    """Exposures for one calibration."""

    label: str  #: ``bias``, ``dark``, ``flat-g``, ``defects`` or ``ptc``.
    generate: tuple[int, ...]  #: Exposures that are its input.
    verify: tuple[int, ...] = ()  #: Further exposures it is verified with.
    physical_filter: str | None = None  #: Filter of a flat.
    options: str = ""  #: Options of the generation's pipetask, e.g. ``-c cpBiasIsr:doDefect=False``.
    rerun: str = ""  #: When this one was made anew: another rerun than that of the others.

    @property
    def product(self) -> Product:
        """What is made."""
        return product_of(self.label)

    @property
    def verified_with(self) -> tuple[int, ...]:
        """All exposures of the verification, including its input."""
        return tuple(sorted({*self.generate, *self.verify}))


@dataclass(frozen=True)
class Selection:
    """A production."""

    repo: str  #: Butler repository it is made in.
    names: Names  #: Names of its collections.
    detectors: tuple[int, ...]  #: Detectors to make calibrations for.
    #: Calibrations to make, in the order of the table of products.
    choices: tuple[ExposureChoice, ...] = field(default=())
    #: What the jobs read, where it is known of the installed pipelines; else the table of products says it.
    reads: Reads = field(default_factory=lambda: NOT_KNOWN, compare=False, repr=False)

    @property
    def instrument(self) -> str:
        """Butler instrument name."""
        return self.names.instrument

    def generation(self, choice: ExposureChoice) -> str:
        """Return the CHAINED collection in which a calibration is generated."""
        return self._names_of(choice).generation(choice.label)

    def verification(self, choice: ExposureChoice) -> str:
        """Return the CHAINED collection in which a calibration is verified."""
        return self._names_of(choice).verification(choice.label)

    def certified(self, choice: ExposureChoice) -> str:
        """Return the CALIBRATION collection of a calibration."""
        return self.names.certified(choice.label)

    def prerequisites(self, choice: ExposureChoice) -> tuple[ExposureChoice, ...]:
        """Return those calibrations of the selection that are inputs of another one, direct and indirect.

        Of the flats only those that share exposures with it: in what light defects are looked for is said by their
        exposures.
        """
        return self._fitting(choice, self._order().origins(choice.product.name))

    def verified_from(self, choice: ExposureChoice) -> tuple[ExposureChoice, ...]:
        """Return those calibrations of the selection that a verification reads, the verified one last."""
        found, name = self._order(), choice.product.name
        reads = {*found.verified_with[name]}
        others = reads.union(*(found.origins(one) for one in reads)) - {name}
        return (*self._fitting(choice, others), choice)

    def verification_exposures(self, choice: ExposureChoice) -> tuple[int, ...]:
        """Return the exposures of a verification: of defects not the darks, in whose images nothing is verified."""
        verifier = choice.product.verify
        if verifier is None or verifier.always:
            return choice.verified_with
        others = {
            exposure
            for other in self.choices
            if not {*other.product.images} & {*verifier.images}
            for exposure in other.verified_with
        }
        return tuple(exposure for exposure in choice.verified_with if exposure not in others)

    def in_order(self) -> Selection:
        """Return the same with each calibration after its inputs, as they are to be made."""
        found = self._order()
        # Inputs of a calibration have fewer inputs themselves.
        first = sorted(self.choices, key=lambda choice: len(found.origins(choice.product.name)))
        return replace(self, choices=tuple(first))

    def _order(self) -> Order:
        present = {choice.product.name for choice in self.choices}
        return order([name for name in PRODUCTS if name in present], self.reads, wait=False)

    def _fitting(self, choice: ExposureChoice, names: Collection[str]) -> tuple[ExposureChoice, ...]:
        return tuple(
            made
            for made in self.in_order().choices
            if made.product.name in names
            and (not made.product.by_filter or {*made.generate} & {*choice.generate})
        )

    def _names_of(self, choice: ExposureChoice) -> Names:
        return replace(self.names, rerun=choice.rerun or self.names.rerun)
