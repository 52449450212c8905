"""A process that is gone between two changes to the files."""

from __future__ import annotations


class Crash(BaseException):
    """The process is gone."""


def crash_at(patch, step, *changes):
    """Have the process die just before the `step`th of some changes; return those that were made.

    changes: where each is, and its name there.
    """
    made = []

    def counted(real):
        def change(*args, **more):
            made.append(real)
            if len(made) == step:
                raise Crash
            return real(*args, **more)

        return change

    for place, name in changes:
        patch.setattr(place, name, counted(getattr(place, name)))
    return made
