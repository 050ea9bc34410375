"""What tests of killed and stopped processes share: a process that forks, a folder in memory, pictures at once."""

import pytest

from tests.support.worker import Nursery, in_memory, plain_picture
from waterbodem.batch import picture


@pytest.fixture
def ram_path(tmp_path):
    """A folder in memory."""
    with in_memory(tmp_path) as folder:
        yield folder


@pytest.fixture(scope="module")
def plain_pictures():
    """Runs draw pictures that take no time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(picture, "picture_png", plain_picture)
        yield


@pytest.fixture(scope="module")
def nursery():
    """A process that has imported everything, and forks on request."""
    with Nursery() as started:
        yield started
