"""Fixtures that more than one file of tests asks for."""

import pytest
from browser import browser


@pytest.fixture(scope="module")
def running():
    """A browser that reaches no network."""
    with browser() as found:
        yield found
