"""Many simulated days side by side, as stable-baselines3 sees them, and rules rated on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from stable_baselines3.common.vec_env.base_vec_env import VecEnv

from twind import clock
from twind.rl import dynamics
from twind.rl.observe import observe
from twind.rl.snapshot import Snapshot
from twind.rl.spaces import action_space, observation_space
from twind.rl.world import Seen, World, pack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import ArrayLike, NDArray
    from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvStepReturn

    Obs = dict[str, NDArray[np.float32]]


class Simulation:
    """N simulated days over some lives: what both environments and the planner drive.

    Attributes:
        lives: the packed snapshots, see world.Lives.
        world: the state of the days, see world.World; rules may read it, nobody else writes it.
        seen: the present observation of each day, arrays that every step writes again.
        rewards: (N,) of the last step.

    """

    def __init__(
        self, snapshots: Sequence[Snapshot], size: int, *, draw_truth: bool = True
    ) -> None:
        self.lives = pack(snapshots)
        self.world = World(size)
        self.seen = Seen(size)
        self.rewards = np.zeros(size)
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
        dynamics.reset(self.lives.records, self.world.records, chosen, life, seeds, day, self._draw)
        self._observe(chosen)

    def go_on(self, which: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Begin the next day where `which` (N,) says so; return where the life has no more."""
        dynamics.go_on(self.lives.records, self.world.records, which, self._over)
        self._observe(which & ~self._over)
        return self._over

    def step(self, actions: ArrayLike) -> NDArray[np.float64]:
        """Take actions (N, 4) up to each day's next decision; return rewards (N,), written anew.

        `world.done` says which days are over; stepping one of those changes nothing.
        """
        dynamics.step(
            self.lives.records,
            self.world.records,
            self.seen.records,
            np.ascontiguousarray(actions, np.int64),
            self.rewards,
        )
        self._observe(self._all)
        return self.rewards

    def _observe(self, which: NDArray[np.bool_]) -> None:
        observe(self.lives.records, self.world.records, self.seen.records, which)


def stream(seed: int, index: int) -> np.uint64:
    """Return the seed of the index-th of many independent streams of luck."""
    return np.uint64(dynamics.derive_seed(np.uint64(seed % 2**64), index))


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
        snapshots: Sequence[Snapshot],
        num_envs: int,
        seed: int = 0,
        *,
        draw_truth: bool = True,
    ) -> None:
        self.simulation = Simulation(snapshots, num_envs, draw_truth=draw_truth)
        self.render_mode: str | None = None
        super().__init__(num_envs, observation_space(), action_space())
        self._count = len(snapshots)
        self._seed = seed
        self._begun = np.zeros(num_envs, np.int64)
        self._actions = np.zeros((num_envs, 4), np.int64)
        self._infos: list[dict[str, Any]] = [{} for _ in range(num_envs)]
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
        rows = np.flatnonzero(which)
        life = (np.arange(self.num_envs) + self._begun * self.num_envs) % self._count
        seeds = np.zeros(self.num_envs, np.uint64)
        for row in rows:
            seeds[row] = stream(self._seed, int(row + self._begun[row] * self.num_envs))
        self.simulation.begin(life, seeds, which)
        self._begun[rows] += 1

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
        for row in self.terminal[0]:
            self._infos[row] = {}
        rows = np.flatnonzero(dones)
        over = simulation.go_on(dones).copy() if len(rows) else dones
        arrays = simulation.seen.as_dict()
        last = {name: array[rows] for name, array in arrays.items()} if len(rows) else {}
        self.terminal = (rows, last)
        seconds = clock.monotonic_s() - self._born_s
        for place, row in enumerate(rows):
            episode = {"r": float(self._earned[row]), "l": int(self._taken[row]), "t": seconds}
            self._infos[row] = {
                "episode": episode,
                "terminal_observation": {name: array[place] for name, array in last.items()},
                "TimeLimit.truncated": True,
            }
        self._earned[rows] = 0.0
        self._taken[rows] = 0
        if over.any():
            self._begin(over)
        return self._observation(), rewards, dones, list(self._infos)

    def _observation(self) -> Obs:
        return {name: array.copy() for name, array in self.simulation.seen.as_dict().items()}

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


def run_policy(
    snapshots: Snapshot | Sequence[Snapshot],
    choose: Callable[[Obs], ArrayLike] | Callable[[Obs, Simulation], ArrayLike],
    seeds: Iterable[int],
    days: int = 1,
    *,
    draw_truth: bool = True,
    with_state: bool = False,
) -> NDArray[np.float64]:
    """Rate a way of choosing on held-out luck; return the sum of rewards, (snapshots, seeds).

    `choose(observation) -> actions (N, 4)` sees all days at once; with `with_state` it is called
    with the Simulation as well, so that a rule can read `simulation.world` and `simulation.lives`.
    Rows of days that are over are ignored. Each (snapshot, seed) lives `days` days, or as many as
    the snapshot has. Equal seeds meet equal luck and equal users, whatever is chosen: differences
    between two ways are paired.
    """
    everyone = [snapshots] if isinstance(snapshots, Snapshot) else list(snapshots)
    streams = [stream(seed, 0) for seed in seeds]
    size = len(everyone) * len(streams)
    simulation = Simulation(everyone, size, draw_truth=draw_truth)
    life = np.repeat(np.arange(len(everyone)), len(streams))
    simulation.begin(life, np.array(streams * len(everyone), np.uint64))
    total = np.zeros(size)
    world = simulation.world
    for day in range(days):
        alive = ~world.done
        while not world.done.all():
            observation = simulation.seen.as_dict()
            actions = choose(observation, simulation) if with_state else choose(observation)  # type: ignore[call-arg]
            total += simulation.step(actions)
        if day + 1 == days or simulation.go_on(alive).all():
            break
    return total.reshape(len(everyone), len(streams))
