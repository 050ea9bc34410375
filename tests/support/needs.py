"""What a test needs and may not be there: told on a desk, a failure in CI."""

import os

import pytest


def missing(what):
    """Skip the test; in CI, where all is to be there, fail it."""
    (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(what)
