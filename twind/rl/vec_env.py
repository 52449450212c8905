"""Many simulated days side by side, as stable-baselines3 sees them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast, overload

import numpy as np
from stable_baselines3.common.vec_env.base_vec_env import VecEnv

from twind import clock
from twind.rl import luck, stepping
from twind.rl.observe import observe
from twind.rl.spaces import SLOT_MIN, SLOTS, action_space, observation_space
from twind.rl.world import CORE, Lives, Seen, World, arrays_of, pack

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray
    from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvStepReturn

    from twind.rl.snapshot import Snapshot

    Obs = dict[str, NDArray[Any]]


class Simulation:
    """N simulated days over some lives: what both environments and the planner drive.

    Args:
        snapshots: the lives, or what `world.pack` has made of them.
        size: how many days run side by side.
        draw_truth: whether the user's own values are drawn from the belief; else its means.
        learns: whether the belief is sharpened by reviews and answers as days go by.

    Attributes:
        lives: the packed snapshots, see world.Lives.
        world: the state of the days, see world.World; rules may read it, nobody else writes it.
        seen: the present observation of each day; each step leaves the one before as it is.
        rewards: (N,) of the last step.

    """

    def __init__(
        self,
        snapshots: Sequence[Snapshot] | Lives,
        size: int,
        *,
        draw_truth: bool = True,
        learns: bool = True,
    ) -> None:
        self.lives = snapshots if isinstance(snapshots, Lives) else pack(snapshots)
        self.world = World(size)
        self.seen = Seen(size)
        self.minds = np.zeros((size if learns else 0, CORE, CORE), np.float32)
        self.rewards = np.zeros(size)
        self._scratch = World(1)
        self._foreseen = np.zeros((size, SLOTS + 1))
        self._looked: tuple[int, float, float] | None = None
        self.size = size
        self._draw = draw_truth
        self._all = np.ones(size, np.bool_)
        self._over = np.zeros(size, np.bool_)

    def begin(
        self,
        life: NDArray[np.int64],
        seeds: NDArray[np.uint64],
        which: NDArray[np.bool_] | None = None,
        day: int = 0,
    ) -> None:
        """Begin lives (N,) with luck from `seeds` (N,), at their `day`, and observe them.

        `which` (N,) restricts it to some. Raises ValueError for a day that a life does not have.
        """
        chosen = self._all if which is None else which
        if np.any(self.lives.days[life[chosen]] <= day):
            raise ValueError(f"day {day} lies beyond the snapshot's days")
        stepping.reset(
            self.lives.records, self.world.records, self.minds, chosen, life, seeds, day, self._draw
        )
        self._observe(chosen)

    def go_on(self, which: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Begin the next day where `which` (N,) says so; return where the life has no more."""
        stepping.go_on(self.lives.records, self.world.records, self.minds, which, self._over)
        self._observe(which & ~self._over)
        return self._over

    def step(self, actions: ArrayLike) -> NDArray[np.float64]:
        """Take actions (N, 4) up to each day's next decision; return rewards (N,), written anew.

        `world.done` says which days are over; stepping one of those changes nothing.
        """
        before, self.seen = self.seen, Seen(self.size)
        stepping.step(
            self.lives.records,
            self.world.records,
            before.records,
            self.minds,
            np.ascontiguousarray(actions, np.int64),
            self.rewards,
        )
        self._observe(self._all)
        return self.rewards

    def left_alone(self, days: int, gamma: float, overnight: float = 1.0) -> NDArray[np.float64]:
        """Return what each day and `days` after it would earn with nobody proposing anything, (N,).

        From now on, with the luck that is to come, discounted by `gamma` an hour and by `overnight`
        for each midnight; see dynamics.
        """
        looked = days, gamma, overnight
        if looked != self._looked:
            self._looked = looked
            self.world.strayed[:] = True
        out = np.zeros(self.size)
        stepping.left_alone(
            self.lives.records,
            self.world.records,
            self._scratch.records,
            days,
            gamma ** (SLOT_MIN / 60.0),
            overnight,
            self._foreseen,
            out,
        )
        return out

    def _observe(self, which: NDArray[np.bool_]) -> None:
        observe(self.lives.records, self.world.records, self.seen.records, which)


def stream(seed: int, index: int) -> np.uint64:
    """Return the seed of the index-th of many independent streams of luck."""
    return np.uint64(streams(seed, np.array([index]))[0])


def streams(seed: int, indices: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return the seeds of some of many independent streams of luck."""
    out = np.zeros(len(indices), np.uint64)
    luck.derive_seeds(np.uint64(seed % 2**64), np.asarray(indices, np.int64), out)
    return out


class PersonalLifeVecEnv(VecEnv):
    """`num_envs` days in the lives of `snapshots`, stepped together.

    An episode is one day; it ends truncated, never terminated, and the next observation is the
    morning after in the same life. That is also its `terminal_observation`: what is left undone
    keeps its price because the value of the next morning stands for what follows. After a
    life's last day (a fortnight, or what the snapshot has) the environment begins the next of
    the snapshots, with other luck and, with `draw_truth`, another draw of the user's own values
    from the belief.

    The info of a step that ends a day has, as SB3's Monitor gives it, `episode`: the day's return
    `r`, its decisions `l` and the seconds since this was made `t`.

    The last step's `terminal` (rows (K,), observations with K in front) are the days that just
    ended, in one piece, for those who do not want to collect them from the infos.
    """

    def __init__(
        self,
        snapshots: Sequence[Snapshot] | Lives,
        num_envs: int,
        seed: int = 0,
        *,
        draw_truth: bool = True,
    ) -> None:
        self.simulation = Simulation(snapshots, num_envs, draw_truth=draw_truth)
        self.render_mode: str | None = None
        super().__init__(num_envs, observation_space(), action_space())
        self._count = len(self.simulation.lives.records)
        self._seed = seed
        self._begun = np.zeros(num_envs, np.int64)
        self._actions = np.zeros((num_envs, 4), np.int64)
        self._earned = np.zeros(num_envs)
        self._taken = np.zeros(num_envs, np.int64)
        self._born_s = clock.monotonic_s()
        self.terminal: tuple[NDArray[np.int64], Obs] = (np.zeros(0, np.int64), {})

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Set the seed of all luck from the next `reset` on."""
        if seed is not None:
            self._seed = seed
        return [seed] * self.num_envs

    def reset(self) -> Obs:
        """Begin every environment's first life again; equal seeds repeat exactly."""
        if self._seeds[0] is not None:
            self._seed = self._seeds[0]
        self._begun[:] = 0
        self._earned[:] = 0.0
        self._taken[:] = 0
        self._begin(np.ones(self.num_envs, np.bool_))
        self._reset_seeds()
        self._reset_options()
        return self._observation()

    def _begin(self, which: NDArray[np.bool_]) -> None:
        places = np.arange(self.num_envs) + self._begun * self.num_envs
        self.simulation.begin(places % self._count, streams(self._seed, places), which)
        self._begun += which

    def step_async(self, actions: NDArray[Any]) -> None:
        """Take note of the actions (num_envs, 4)."""
        self._actions[:] = actions

    def step_wait(self) -> VecEnvStepReturn:
        """Take them; days that end go on with the next."""
        simulation = self.simulation
        rewards = simulation.step(self._actions).astype(np.float32)
        dones = simulation.world.done.copy()
        self._earned += rewards
        self._taken += 1
        infos = _Infos(self.num_envs)
        rows = np.flatnonzero(dones)
        if len(rows):
            over = simulation.go_on(dones).copy()
            infos.ended(
                rows,
                simulation.seen.records[rows],
                self._earned[rows],
                self._taken[rows],
                clock.monotonic_s() - self._born_s,
            )
            self._earned[rows] = 0.0
            self._taken[rows] = 0
            if over.any():
                self._begin(over)
        self.terminal = infos.terminal
        return self._observation(), rewards, dones, cast("list[dict[str, Any]]", infos)

    def _observation(self) -> Obs:
        return self.simulation.seen.as_dict()

    def close(self) -> None:
        """Do nothing: there is nothing to close."""

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """Return an attribute of the whole, once for each environment asked for."""
        return [getattr(self, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Refuse: the environments share everything."""
        raise NotImplementedError(f"{attr_name}: the environments share their attributes")

    def env_method(
        self, method_name: str, *args: Any, indices: VecEnvIndices = None, **kwargs: Any
    ) -> list[Any]:
        """Refuse: there are no single environments to call."""
        raise NotImplementedError(f"{method_name}: there is no single environment to call")

    def env_is_wrapped(self, wrapper_class: type[Any], indices: VecEnvIndices = None) -> list[bool]:  # noqa: ARG002
        """Return False for each: nothing is wrapped."""
        return [False for _ in self._get_indices(indices)]


class _Infos(Sequence[dict[str, Any]]):
    """The infos of a step, made for those alone that somebody looks at.

    terminal: the rows of the days that ended, and their last observations.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._made: dict[int, dict[str, Any]] = {}
        self._place: dict[int, int] = {}
        self.terminal: tuple[NDArray[np.int64], Obs] = (np.zeros(0, np.int64), {})

    def ended(
        self,
        rows: NDArray[np.int64],
        last: NDArray[np.void],
        earned: NDArray[np.float64],
        taken: NDArray[np.int64],
        seconds: float,
    ) -> None:
        self._place = {int(row): place for place, row in enumerate(rows)}
        self._episodes = earned, taken, seconds
        self.terminal = rows, arrays_of(last)

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, row: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, row: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, row: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        if isinstance(row, slice):
            return [self[one] for one in range(*row.indices(self._size))]
        if not -self._size <= row < self._size:
            raise IndexError(row)
        row %= self._size
        if row not in self._made:
            # Kept, for whoever wraps this environment may write into it.
            self._made[row] = self._info(self._place[row]) if row in self._place else {}
        return self._made[row]

    def _info(self, place: int) -> dict[str, Any]:
        earned, taken, seconds = self._episodes
        return {
            "episode": {"r": float(earned[place]), "l": int(taken[place]), "t": seconds},
            "terminal_observation": {
                name: array[place] for name, array in self.terminal[1].items()
            },
            "TimeLimit.truncated": True,
        }
