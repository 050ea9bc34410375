"""In what order parts are handed out: as many at once as there is room for, those that were lost one by one."""

from concurrent.futures import Future

import pytest

from waterbodem.batch import workers
from waterbodem.batch.job import Part
from waterbodem.batch.workers import PartTask, finished_tasks
from waterbodem.core.errors import WorkerLost

ROOM = 4


class Unlucky:
    """A crew that loses some parts, as often as is said; the part that waits longest ends when it is looked at."""

    here = 2

    def __init__(self, losses):
        self.losses, self.waiting, self.handed_out = dict(losses), {}, []

    def room(self):
        return ROOM

    def submit(self, job, task):
        number = task.part.number
        future = self.waiting[number] = Future()
        self.handed_out.append((number, len(self.waiting)))
        return future

    def error_of(self, future):
        return future.exception()

    def watch(self):
        number = next(iter(self.waiting))
        future, left = self.waiting.pop(number), self.losses.get(number, 0)
        self.losses[number] = left - 1
        future.set_exception(WorkerLost("gone")) if left > 0 else future.set_result(None)

    def cancel(self, futures):
        """Nothing is left when all went well."""
        assert not list(futures)


def ended(losses, parts=7):
    """A crew that did some parts, and why each failed, if it did."""
    unlucky = Unlucky(losses)
    tasks = [PartTask(Part(n, None, n), {}) for n in range(parts)]
    return unlucky, {task.part.number: error for task, error in finished_tasks(unlucky, None, iter(tasks))}


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Nothing is waited for: a crew is looked at as soon as there is no news."""
    monkeypatch.setattr(workers, "WATCH", 0)


def test_as_many_parts_are_in_hand_as_there_is_room_for():
    unlucky, errors = ended({})
    assert errors == dict.fromkeys(range(7))
    assert unlucky.handed_out == [(0, 1), (1, 2), (2, 3), (3, 4), (4, 4), (5, 4), (6, 4)]


def test_parts_that_were_lost_are_tried_again_alone():
    unlucky, errors = ended({1: 1, 2: 1, 5: 1})
    assert errors == dict.fromkeys(range(7))
    assert unlucky.handed_out[7:] == [(1, 1), (2, 1), (5, 1)], "one by one, when nothing else is in hand"


def test_a_part_that_is_lost_alone_has_failed():
    unlucky, errors = ended({3: 9, 4: 1})
    assert {number for number, error in errors.items() if isinstance(error, WorkerLost)} == {3}
    assert len(unlucky.handed_out) == 7 + 2, "none is tried a third time"
