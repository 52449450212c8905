"""What the agent sees and does: the sizes and names that environment and policy share.

Action, `MultiDiscrete([11, 21, 6, 3])`: type (leave the time to the user, or one of the ten
activities), target (nobody, one of 8 projects, one of 12 people), duration, intensity. Each is
masked by the choices before it; the masks travel in the observation.

Observation, a `Dict` of arrays. Of float32, every entry roughly in [-1, 1] unless said otherwise:

    clock          (8,)      hour (sin, cos), weekday (sin, cos), hours left today / 24, free hours
                             until the next commitment / 8, working hours?, weekend?
    self           (8,)      energy, cognitive load, hours slept / 8, leisure in working hours today
                             / 2, hours in company today / 4, proposals made today / 5, hours of
                             effort since the last break / 2, proposals refused today / 5
    last           (11,)     one-hot of what was done last (0: nothing of the ten)
    done           (10,)     hours of each activity today, by its limit
    day            (24,)     share of each coming hour of today that is free
    usual_day      (24, 3)   for each of them, what the user left alone does: probability of
                             nothing, of work, and what they are believed to get out of the hour
    usual          (10,)     probability of each activity now, if left alone
    worth          (23,)     belief: what an hour of each attribute is worth, mean
    worth_sd       (23,)     … and standard deviation
    parts          (8,)      belief: weights of the four parts of the reward, means then sds
    effects        (10,)     belief: what the traits do to the day, means
    life           (18,)     LifeParameters, as differences from the average person's
    projects       (8, 10)   a row a project: present, priority, hours left / 20, days to the
                             deadline / 14 (1 for none), pressed?, progress, hours needed a day / 8,
                             affinity mean, affinity sd, touched today?
    people         (12, 8)   a row a person: present, closeness, days since contact / 30, overdue
                             (days since / cadence, at most 3) / 3, affinity mean, affinity sd, met
                             today?, seen at an event today?
    advice_types   (11,)     what the greedy rule thinks an hour of each type is worth, with its
                             best target (0 for leaving)
    advice_targets (21,)     what it thinks a target adds to that
    advice_hours   (11,)     for how long it would propose each
    advice_depth   (1,)      at which intensity, an index

and of int8, 1 for what is legal now:

    mask_type      (11,)
    mask_target    (11, 21)  by type
    mask_duration  (11, 6)   by type
    mask_intensity (11, 3)   by type

Rows of projects and people carry no order: a policy must not care which row is which.
"""

from __future__ import annotations

import numpy as np
from gymnasium import spaces

from twind.preferences.catalogue import EFFECTS
from twind.preferences.features import ACTIVITIES, ATTRIBUTES, PARTS

SLOT_MIN = 15
SLOTS = 24 * 60 // SLOT_MIN
LEAVE = 0
TYPES = ("leave", *ACTIVITIES)
DURATIONS_MIN = (15, 30, 45, 60, 90, 120)
DURATIONS_SLOTS = np.array([minutes // SLOT_MIN for minutes in DURATIONS_MIN])
INTENSITIES = ("light", "normal", "deep")
PROJECTS = 8
PEOPLE = 12
TARGETS = 1 + PROJECTS + PEOPLE

LIFE_PARAMETERS = 18
MASKS = "mask_"
SHAPES: dict[str, tuple[int, ...]] = {
    "clock": (8,),
    "self": (8,),
    "last": (len(TYPES),),
    "done": (len(ACTIVITIES),),
    "day": (24,),
    "usual_day": (24, 3),
    "usual": (len(ACTIVITIES),),
    "worth": (len(ATTRIBUTES),),
    "worth_sd": (len(ATTRIBUTES),),
    "parts": (2 * len(PARTS),),
    "effects": (len(EFFECTS),),
    "life": (LIFE_PARAMETERS,),
    "projects": (PROJECTS, 10),
    "people": (PEOPLE, 8),
    "advice_types": (len(TYPES),),
    "advice_targets": (TARGETS,),
    "advice_hours": (len(TYPES),),
    "advice_depth": (1,),
    "mask_type": (len(TYPES),),
    "mask_target": (len(TYPES), TARGETS),
    "mask_duration": (len(TYPES), len(DURATIONS_MIN)),
    "mask_intensity": (len(TYPES), len(INTENSITIES)),
}


def observation_space() -> spaces.Dict:
    """Return the observation space described above."""
    return spaces.Dict(
        {
            name: spaces.MultiBinary(shape)
            if name.startswith(MASKS)
            else spaces.Box(-20.0, 20.0, shape, np.float32)
            for name, shape in SHAPES.items()
        }
    )


def action_space() -> spaces.MultiDiscrete:
    """Return the action space described above."""
    return spaces.MultiDiscrete([len(TYPES), TARGETS, len(DURATIONS_MIN), len(INTENSITIES)])
