"""One contestant, in its own process: `python learners.py RACE OPTIONS`, see contestants.py."""

from __future__ import annotations

import json
import sys
import time

import gymnasium
import numpy as np
from contestants import Options
from flat import FlatDays, FlatPolicy, PlainDays, PlainTwinDays, flatten
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback

from twind.rl import pretrain, rules
from twind.rl.env import PersonalLifeEnv
from twind.rl.evaluate import returns
from twind.rl.lives import sample_life
from twind.rl.ppo import TwinPPO
from twind.rl.spaces import action_space, observation_space
from twind.rl.train import plan_budget
from twind.rl.vec_env import PersonalLifeVecEnv

CORNER = 910_001
"""Seeds of the held-out lives: far from those of training and of the tests."""
HELD_OUT_DAYS = 3


def quality(options):
    """Learn, and tell at every look the seconds of learning so far and the held-out return."""
    make = {"stock": _stock, "sbx": _sbx}.get(options.learner, _twin)
    agent, see = make(options, pretrain.sample_lives(options.lives, options.seed))
    agent.learn(options.steps, callback=Looking(options, see))


def throughput(options):
    """Learn, and tell how many steps a second each rollout and its lessons took."""
    days = _days(options, pretrain.sample_lives(options.lives, options.seed))
    if options.learner == "twin":
        agent = TwinPPO(
            FlatPolicy,
            PlainTwinDays(days),
            seed=options.seed,
            threads=options.cores,
            # sbx does not live every day a second time, so neither does this.
            foresight_days=None,
            **options.settings,
        )
    else:
        agent = _sbx_agent(PlainDays(days), options)
    agent.learn(options.steps, callback=Pace(agent.n_steps * agent.n_envs))


class Pace(BaseCallback):
    """Tells how many steps a second each rollout and its lessons took, but for the first."""

    def __init__(self, size):
        super().__init__()
        self.size, self.began = size, None

    def _on_rollout_start(self):
        now = time.perf_counter()
        if self.num_timesteps > self.size:
            print(json.dumps({"steps_per_s": self.size / (now - self.began)}), flush=True)
        self.began = now

    def _on_training_end(self):
        self._on_rollout_start()

    def _on_step(self):
        return True


class Looking(BaseCallback):
    """Stops the clock between rollouts and tells how good the learner is by now.

    see: turns a batch of the days' observations into what the learner looks at.
    """

    def __init__(self, options, see):
        super().__init__()
        self.options, self.see = options, see
        self.next_look, self.spent_s, self.over = options.every, 0.0, False
        self.unseen = [
            sample_life(np.random.default_rng([CORNER, options.held_out_seed, number]))
            for number in range(options.held_out)
        ]
        self.nothing = self._rate(rules.nothing)

    def _on_training_start(self):
        self.began = time.perf_counter()

    def _on_rollout_start(self):
        if self.num_timesteps >= self.next_look:
            self.next_look = self.num_timesteps + self.options.every
            self._look()

    def _on_training_end(self):
        # If it is over, a look has ended it.
        if not self.over:
            self._look()

    def _on_step(self):
        return not self.over

    def _look(self):
        self.spent_s += time.perf_counter() - self.began
        found = max(self._rate(self._choosing(sure)) for sure in (True, False))
        told = {"seconds": self.spent_s, "steps": self.num_timesteps, "return": found}
        print(json.dumps({**told, "nothing": self.nothing}), flush=True)
        reached = self.options.mark is not None and found >= self.options.mark
        self.over = reached or self.spent_s > self.options.patience_s
        self.began = time.perf_counter()

    def _choosing(self, sure):
        """Return the learner's likeliest actions as a choice, or drawn ones."""
        return lambda obs: self.model.predict(self.see(obs), deterministic=sure)[0]

    def _rate(self, choose):
        """Return the mean held-out return of a day."""
        lives, seed = len(self.unseen), CORNER + self.options.held_out_seed
        return float(
            returns(self.unseen, choose, lives=lives, days=HELD_OUT_DAYS, seed=seed).mean()
        )


# --- the learners --------------------------------------------------------------------------------


def _stock(options, lives):
    """Return SB3's PPO as it comes, on the scalar environment."""
    agent = PPO("MultiInputPolicy", InTurn(lives), seed=options.seed, device="cpu")
    return agent, lambda obs: obs


class InTurn(gymnasium.Env):
    """A scalar environment that lives through several lives to their ends, one after the other."""

    observation_space, action_space = observation_space(), action_space()

    def __init__(self, lives):
        self.lives, self.begun, self.day, self.life = lives, 0, 0, None

    def reset(self, *, seed=None, options=None):  # noqa: ARG002 - as gymnasium has it
        """Go on with the life, or begin the next."""
        super().reset(seed=seed)
        self.day += 1
        if self.life is not None and self.day < self.days:
            return self.life.reset(options={"continue": True})
        snapshot = self.lives[self.begun % len(self.lives)]
        self.begun += 1
        self.day, self.days = 0, len(snapshot.days)
        self.life = PersonalLifeEnv(snapshot)
        return self.life.reset(seed=int(self.np_random.integers(2**31)))

    def step(self, action):
        """Step in the present life."""
        return self.life.step(action)


def _twin(options, lives):
    """Return TwinPPO with a network that has learnt nothing, with the settings of pretrain.py."""

    def make():
        budget = plan_budget(
            options.steps, envs=pretrain.ENVS, steps=pretrain.STEPS, batch=pretrain.BATCH
        )
        env = PersonalLifeVecEnv(lives, num_envs=budget.envs, seed=options.seed)
        return pretrain.fresh_agent(env, budget, options.seed, threads=options.cores)

    make().learn(1)
    return make(), lambda obs: obs


def _sbx(options, lives):
    """Return sbx's PPO over flat observations, compiled and not yet trained."""
    agent = _sbx_agent(FlatDays(_days(options, lives)), options)
    fresh = agent.policy.actor_state, agent.policy.vf_state
    agent.learn(1)
    agent.policy.actor_state, agent.policy.vf_state = fresh
    return agent, flatten


def _sbx_agent(env, options):
    import sbx

    return sbx.PPO("MlpPolicy", env, seed=options.seed, **options.settings)


def _days(options, lives):
    return PersonalLifeVecEnv(lives, options.envs, seed=options.seed)


if __name__ == "__main__":
    RACES = {"quality": quality, "throughput": throughput}
    RACES[sys.argv[1]](Options(**json.loads(sys.argv[2])))
