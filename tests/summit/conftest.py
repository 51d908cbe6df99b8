"""Tests of the simulated summit run on a loop that jumps to the next timer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from observatory_support import LOOPS


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return LOOPS
