"""PersonalLifeEnv: one simulated day of the user's life, as a Gymnasium environment."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np

from twind.rl import world as names
from twind.rl.lives import sample_life
from twind.rl.snapshot import shortlist
from twind.rl.spaces import DURATIONS_MIN, SLOT_MIN, SLOTS, TYPES, action_space, observation_space
from twind.rl.vec_env import Simulation, stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twind.rl.snapshot import Snapshot

    Obs = dict[str, Any]

OUTCOMES = ("left", "carried_out", "refused", "broken_off", "not_begun")
PARTS = ("alignment", "energy", "relationships", "progress", "costs")


class PersonalLifeEnv(gymnasium.Env["Obs", "NDArray[np.int64]"]):
    """A day in the user's life: propose, or leave the time to them.

    ## Action
    `MultiDiscrete([11, 21, 6, 3])`: type (0 leaves the time to the user; rest, work, social, learn,
    create, exercise, outdoors, reflect, help, plan), target (nobody, one of 8 projects, one of 12
    people: those of `snapshot.shortlist`), duration (15, 30, 45, 60, 90, 120 minutes), intensity
    (light, normal, deep). What is proposed is accepted, begun and carried through with
    probabilities of its own; what is not is filled by the user's habits, like what is left to them.
    An action that is not legal is made so, and flagged: an impossible type becomes leave, an
    impossible target the first possible one, a duration the longest possible not above it, an
    intensity the nearest.

    ## Observation
    A `Dict` of float32 arrays, described in `twind.rl.spaces`: clock, self, belief about the user's
    values, projects, people, and what is legal now. The user's true values are never in it.

    ## Reward
    In neutral free hours: alignment with the user's values, energy (burnout costs steeply),
    relationships (renewed, faded), progress (achieved, undone, missed), each weighted by the user,
    less plain costs: interruptions by proposals, switching, idling in working hours. Returns
    diminish within a day, and nothing is earned past a limit.

    ## Starting State
    The snapshot's moment on day 0: its energy, load, projects and people. With `draw_truth` the
    user's own values are drawn from the belief, by the seed. Without a snapshot each reset with
    other luck samples a life. `reset(options={"day": k})` starts at day k of the snapshot, what is
    proposed there being arranged before it comes; `{"continue": True}` begins the day after the one
    that ended, the same life going on (and a new one after its last day).

    ## Episode End
    Truncated at midnight, never terminated: what is left undone keeps its price, and another day
    comes.

    ## Info
    `projected` (the action had to be made legal), `outcome` (left, carried_out, refused,
    broken_off, not_begun), `parts` (the last step's reward by part; what came before the day's
    first decision is in the reward of the first step only), `day`, `slot`, `action` as taken.
    """

    metadata: dict[str, Any] = {"render_modes": ["ansi"], "render_fps": 1}  # noqa: RUF012 - as Env

    def __init__(
        self,
        snapshot: Snapshot | None = None,
        *,
        draw_truth: bool = True,
        render_mode: str | None = None,
    ) -> None:
        if render_mode not in {None, "ansi"}:
            raise ValueError(f"render_mode is None or 'ansi', not {render_mode!r}")
        self.observation_space = observation_space()
        self.action_space = action_space()
        self.render_mode = render_mode
        self._given = snapshot
        self._draw = draw_truth
        self._snapshot: Snapshot | None = None
        self._simulation: Simulation | None = None

    @property
    def simulation(self) -> Simulation:
        """The simulation of one day behind this environment. RuntimeError before a reset."""
        if self._simulation is None:
            raise RuntimeError("call reset first")
        return self._simulation

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Obs, dict[str, Any]]:
        """Begin a day; see Starting State for the options `day` and `continue`."""
        super().reset(seed=seed)
        options = options or {}
        go_on = bool(options.get("continue")) and self._simulation is not None
        one = np.ones(1, np.bool_)
        if not go_on or self.simulation.go_on(one)[0]:
            self._begin(int(options.get("day", 0)) if not go_on else 0)
        return self._observation(), self._info(projected=False)

    def _begin(self, day: int) -> None:
        if self._given is None or self._simulation is None:
            self._snapshot = self._given or sample_life(self.np_random)
            self._simulation = Simulation([self._snapshot], 1, draw_truth=self._draw)
        luck = int(self.np_random.integers(0, 2**63))
        self._simulation.begin(np.zeros(1, np.int64), np.array([stream(luck, 0)]), day=day)

    def step(self, action: NDArray[np.int64]) -> tuple[Obs, float, bool, bool, dict[str, Any]]:
        """Take an action to its end and on to the next decision."""
        reward = self.simulation.step(np.asarray(action)[None])[0]
        world = self.simulation.world
        return (
            self._observation(),
            float(reward),
            False,
            bool(world.done[0]),
            self._info(projected=bool(world.projected[0])),
        )

    def _observation(self) -> Obs:
        return {name: array[0].copy() for name, array in self.simulation.seen.as_dict().items()}

    def _info(self, *, projected: bool) -> dict[str, Any]:
        world = self.simulation.world
        return {
            "projected": projected,
            "outcome": OUTCOMES[world.outcome[0]],
            "parts": dict(zip(PARTS, world.reward[0].tolist(), strict=True)),
            "day": int(world.day[0]),
            "slot": int(world.slot[0]),
        }

    def render(self) -> str | None:
        """Return the day so far as text, a line a stretch; None without a render mode."""
        if self.render_mode is None:
            return None
        world, snapshot = self.simulation.world, self._snapshot
        assert snapshot is not None
        chosen = shortlist(snapshot)
        names = {1 + row: snapshot.projects[i].name for row, i in enumerate(chosen.projects)}
        names |= {9 + row: snapshot.people[i].name for row, i in enumerate(chosen.people)}
        plan = snapshot.days[world.day[0]]
        lines = [f"{plan.date:%A %d %B %Y}"]
        log = np.stack([world.log_type[0], world.log_target[0], world.log_source[0]], axis=1)
        edges = [0, *(np.flatnonzero(np.any(log[1:] != log[:-1], axis=1)) + 1).tolist(), SLOTS]
        for first, end in pairwise(edges):
            kind, target, source = log[first].tolist()
            if kind >= 0:
                what = _told(kind, source) + (f" · {names[target]}" if target in names else "")
                lines.append(f"{_wall(first)}-{_wall(end)}  {what}")
        lines.append(f"energy {world.energy[0]:.0%}, load {world.load[0]:.0%}")
        return "\n".join(lines)


def _wall(slot: int) -> str:
    minutes = slot * SLOT_MIN
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _told(kind: int, source: int) -> str:
    if source == names.SLEEP:
        return "sleep"
    what = TYPES[kind] if kind else "free"
    notes = {
        names.EVENT: "event",
        names.UNPLANNED: "unplanned",
        names.ACCEPTED: "proposed",
    }
    return f"{what} ({notes[source]})" if source in notes else what


assert len(DURATIONS_MIN) == 6
