"""A butler repository as a coroutine uses it: each call runs in one thread of its own, none on the event loop."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, TypeVar

from ..ground.threads import OneThread
from .records import Certification, Repository

__all__ = ["AwaitableRepository"]

P = ParamSpec("P")
T = TypeVar("T")


def _awaited(
    method: Callable[Concatenate[Repository, P], T],
) -> Callable[Concatenate[AwaitableRepository, P], Coroutine[Any, Any, T]]:
    """Make of a method of `Repository` a coroutine function with its parameters and its result."""

    @functools.wraps(method)
    async def call(self: AwaitableRepository, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.ask(lambda repository: getattr(repository, method.__name__)(*args, **kwargs))

    return call


class AwaitableRepository:
    """The repository of a run.

    Parameters
    ----------
    repository : `Repository`
        The butler, which blocks and is not thread safe: its calls are made one at a time, in the order they come.

    Notes
    -----
    Every call raises `NoAnswerError` where no answer comes within the time limit of `OneThread`.
    """

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._thread = OneThread("butler")

    exposures = _awaited(Repository.exposures)
    images = _awaited(Repository.images)
    ingested = _awaited(Repository.ingested)
    inputs_used = _awaited(Repository.inputs_used)
    made = _awaited(Repository.made)
    run_of = _awaited(Repository.run_of)

    async def ask(
        self, question: Callable[Concatenate[Repository, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Call a function of the repository that blocks, or computes for long, and return its result.

        Parameters
        ----------
        question : callable
            Called with the repository and the other arguments.
        *args, **kwargs
            Its other arguments.
        """
        return await self._thread(question, self._repository, *args, **kwargs)

    async def certify(
        self,
        wanted: Certification,
        run: str,
        may_commit: Callable[[], bool],
        on_unknown: Callable[[], None],
    ) -> tuple[str, ...] | None:
        """Certify as `Repository.certify` does. Nothing is committed after the caller has been cancelled.

        Parameters
        ----------
        run : `str`
            RUN that holds it.
        may_commit : callable
            Called in the butler's thread, just before the commit.
        on_unknown : callable
            Called where the caller is cancelled and cannot wait to learn whether it was committed before.

        Returns
        -------
        `tuple` [`str`] or `None`
            Identifiers of the certified datasets; None if ``may_commit`` said no.
        """
        stopped = threading.Event()
        return await self._thread.to_its_end(
            self._repository.certify,
            wanted,
            run,
            lambda: may_commit() and not stopped.is_set(),
            on_cancel=stopped.set,
            on_unknown=on_unknown,
        )

    def close(self) -> None:
        """Let the thread end after its present call."""
        self._thread.close()
