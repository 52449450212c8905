"""The simulated day: many side by side against one alone, both taking random legal actions."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from figures import FAST, SEED, figure

LIVES, SIDE_BY_SIDE = 32, 512


def measure():
    """Print env.*: what one core does, in decisions and in quarters of an hour lived by whoever.

    `env.share` is the share of the days in the time of fine-tuning.
    """
    import numpy as np

    from twind.rl.lives import sample_life

    lives = [sample_life(np.random.default_rng(SEED + number)) for number in range(LIVES)]
    runs, steps = (2, 40) if FAST else (5, 200)
    alone = [_scalar(lives[0], 4 * steps) for _ in range(runs)]
    many = [_vectorised(lives, steps) for _ in range(runs)]
    figure("env.steps_per_s", [steps for steps, _ in many], "steps/s", baseline=alone)
    figure("env.slots_per_s", [slots for _, slots in many], "slots/s")
    figure("env.share", [_share() for _ in range(1 if FAST else 3)], "share of fine-tuning")


def _share():
    """Return the share of a profile of its own process: to time methods is to replace them."""
    program = "import json, profiling as p; print(json.dumps(p.share_of_days(p.profile(KIND))))"
    done = subprocess.run(
        [sys.executable, "-c", program.replace("KIND", "'fine-tuning'")],
        check=True,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parent,
    )
    return json.loads(done.stdout)


def legal(obs, rng):
    """Return actions (N, 4) drawn evenly, choice after choice, from what the masks allow."""
    import numpy as np

    def draw(mask):
        return np.argmax(rng.random(mask.shape) * (mask > 0), axis=-1)

    kind = draw(obs["mask_type"])
    rows = np.arange(len(kind))
    target, duration, intensity = (
        draw(obs[f"mask_{name}"][rows, kind]) for name in ("target", "duration", "intensity")
    )
    return np.stack([kind, target, duration, intensity], axis=1)


def _vectorised(lives, steps):
    """Return steps and slots a second of one thread, the drawing of the actions not counted."""
    import numpy as np

    from twind.rl.spaces import SLOTS
    from twind.rl.vec_env import PersonalLifeVecEnv

    rng = np.random.default_rng(SEED)
    env = PersonalLifeVecEnv(lives, SIDE_BY_SIDE, seed=SEED)
    obs = env.reset()
    obs = env.step(legal(obs, rng))[0]
    spent_s, lived = 0.0, 0
    for _ in range(steps):
        actions = legal(obs, rng)
        before = env.simulation.world.slot.copy()
        began = time.perf_counter()
        obs = env.step(actions)[0]
        spent_s += time.perf_counter() - began
        lived += int(((env.simulation.world.slot - before) % SLOTS).sum())
    return steps * SIDE_BY_SIDE / spent_s, lived / spent_s


def _scalar(life, steps):
    """Return the same of the scalar environment, its resets counted as the others' are."""
    import numpy as np

    from twind.rl.env import PersonalLifeEnv

    rng = np.random.default_rng(SEED)
    env = PersonalLifeEnv(life)
    obs, _ = env.reset(seed=SEED)
    spent_s = 0.0
    for _ in range(steps):
        action = legal({name: array[None] for name, array in obs.items()}, rng)[0]
        began = time.perf_counter()
        obs, _, terminated, truncated, _ = env.step(action)
        if terminated or truncated:
            obs, _ = env.reset()
        spent_s += time.perf_counter() - began
    return steps / spent_s
