"""Several components together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any, Self

from ..salobj import Domain, Remote, State, name_to_name_index

__all__ = ["RemoteGroup"]


class RemoteGroup:
    """Remotes of several components.

    Parameters
    ----------
    components : `list` [`str`]
        Names of the components, as in "OCPS:1".
    domain : `Domain`, optional
        Domain; without, one of its own.
    log : `logging.Logger`, optional
        Parent of the logger.
    intended_usage : `None`, optional
        Only all topics can be had.

    Attributes
    ----------
    rem : `types.SimpleNamespace`
        The remotes, under the names of the components in lower case with
        ``_`` for ``:``, as in ``rem.ocps_1``.
    check : `types.SimpleNamespace`
        For each remote, whether `assert_all_enabled` looks at it.
    start_task : awaitable
        Done when all remotes can be used.
    fast_timeout, long_timeout, long_long_timeout : `float`
        Longest waits, seconds: for an event that has been sent, for a command,
        for one that takes its time.

    Raises
    ------
    ValueError
        If a component does not exist, or ``intended_usage`` is passed.
    """

    def __init__(
        self,
        components: list[str],
        domain: Domain | None = None,
        log: logging.Logger | None = None,
        intended_usage: None = None,
    ) -> None:
        if intended_usage is not None:
            raise ValueError(f"{intended_usage=} selects topics, but here all are always there: leave it out")
        name = type(self).__name__
        self.log = logging.getLogger(name) if log is None else log.getChild(name)
        self.fast_timeout = 5.0
        self.long_timeout = 30.0
        self.long_long_timeout = 120.0
        self._components = {component: _attribute(component) for component in components}
        self._close_domain = domain is None
        self.domain = Domain() if domain is None else domain
        self.rem = SimpleNamespace()
        for component, attribute in self._components.items():
            component_name, index = name_to_name_index(component)
            setattr(self.rem, attribute, Remote(self.domain, component_name, index))
        self.check = SimpleNamespace(**dict.fromkeys(self.components_attr, True))
        self.start_task: asyncio.Future[list[None]] = asyncio.gather(
            *(self._remote(attribute).start_task for attribute in self.components_attr)
        )

    @property
    def components(self) -> list[str]:
        """Names of the components, as passed."""
        return list(self._components)

    @property
    def components_attr(self) -> list[str]:
        """Names of the components, as in `rem`."""
        return list(self._components.values())

    def components_to_check(self) -> list[str]:
        """List the components that `assert_all_enabled` looks at, named as in `rem`."""
        return [attribute for attribute in self.components_attr if getattr(self.check, attribute)]

    def disable_checks_for_components(self, components: Iterable[str]) -> None:
        """Leave components out of the checks.

        Parameters
        ----------
        components : iterable of `str`
            Their names, as passed or as in `rem`. Those that are not in the
            group are ignored with a warning.
        """
        for component in components:
            attribute = _attribute(component)
            if attribute in self.components_attr:
                setattr(self.check, attribute, False)
            else:
                self.log.warning(
                    f"Component {attribute} (referred to as {component!r}) not in CSC Group. "
                    f"Must be one of {self.components} or {self.components_attr}. Ignoring."
                )

    async def get_state(self, component: str) -> State:
        """Ask for the summary state of a component.

        Parameters
        ----------
        component : `str`
            Its name, as in `rem`.

        Returns
        -------
        state : `State`
            Its state.

        Raises
        ------
        asyncio.TimeoutError
            If it has reported none, and reports none within `fast_timeout`.
        """
        try:
            event = await self._remote(component).evt_summaryState.aget(timeout=self.fast_timeout)
        except TimeoutError:
            raise TimeoutError(
                f"Timeout getting summary state for {component}. "
                "This usually means that no historical data is available. "
                "You might have to recycle the CSC state manually to recover from this condition."
            ) from None
        return State(event.summaryState)

    async def assert_all_enabled(self, message: str = "") -> None:
        """Make sure that all components (with a check) are enabled.

        Parameters
        ----------
        message : `str`, optional
            To be added to the error.

        Raises
        ------
        AssertionError
            If some are not; names them.
        asyncio.TimeoutError
            If one does not report its state within `fast_timeout`.
        """
        components = self.components_to_check()
        states = await asyncio.gather(*map(self.get_state, components))
        not_enabled = [
            component for component, state in zip(components, states, strict=True) if state != State.ENABLED
        ]
        if not_enabled:
            raise AssertionError(f"The following components are not enabled: {not_enabled}. {message}")

    async def close(self) -> None:
        """Close the remotes, and the domain if it is the group's own."""
        for attribute in self.components_attr:
            await self._remote(attribute).close()
        # A group that is closed at once has remotes that never started.
        await asyncio.gather(self.start_task, return_exceptions=True)
        if self._close_domain:
            await self.domain.close()

    def _remote(self, attribute: str) -> Any:
        return getattr(self.rem, attribute)

    async def __aenter__(self) -> Self:
        await self.start_task
        return self

    async def __aexit__(self, *args: object) -> None:
        await self.close()


def _attribute(component: str) -> str:
    return component.lower().replace(":", "_")
