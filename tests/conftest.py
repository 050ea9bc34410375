"""Fixtures that more than one file of tests asks for, and one way to hear the command whatever version of click."""

import inspect
from functools import partialmethod

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, settings

from tests.support.browser import browser

if "mix_stderr" in inspect.signature(CliRunner).parameters:  # click before 8.2 makes one of both streams
    CliRunner.__init__ = partialmethod(CliRunner.__init__, mix_stderr=False)
    Result.output = property(lambda result: result.stdout + result.stderr)

# The same examples every time; on a busy machine slow, which says nothing of what is tested.
settings.register_profile(
    "repeatable", derandomize=True, deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("repeatable")


@pytest.fixture(scope="module")
def running():
    """A browser that reaches no network."""
    with browser() as found:
        yield found
