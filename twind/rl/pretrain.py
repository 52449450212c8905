"""Make the base policy: `python -m twind.rl.pretrain --timesteps N --seed S --out FILE`.

Trains over thousands of simulated people and lives, lets the result compete with the plain rules
on lives it has not seen, writes the weights and beside them MODEL_CARD.md, and prints the scores as
JSON. The card is written from the scores, so that it cannot say better of the policy than they do.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from twind import clock
from twind.rl import evaluate, weights
from twind.rl.lives import sample_life
from twind.rl.policy import TwinPolicy
from twind.rl.ppo import LinearSchedule, TwinPPO
from twind.rl.rules import RULES
from twind.rl.train import Budget, plan_budget
from twind.rl.vec_env import PersonalLifeVecEnv

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from twind.rl.snapshot import Snapshot

TIMESTEPS = 12_000_000
SEED = 0
LIVES = 4096
UNSEEN = 1024
DAYS = 3
THREADS = 1
"""More threads gain little with a network this small, and lose much where other work is waiting."""
ENVS = 512
STEPS = 32
BATCH = 2048
RATE = 4e-3

CARD = """# The base policy

`{name}`, SHA-256
`{sha256}`:
the network that serves someone twind knows nothing of yet, and that training for a person starts
from. It chooses type, target, duration and intensity of what to
propose, or to leave the time alone (`twind/rl/policy.py`).

**Data.** None of any person. {training_lives} simulated lives, drawn by `twind/rl/lives.py`, and
{timesteps} decisions in them, learnt from by PPO (`twind/rl/ppo.py`), seed {seed}. What
the greedy rule goes by is among what the network reads.

**Made by** this command, which also writes this card (equal weights on an equal machine; one thread
of linear algebra, because drawing lives is many small matrices):

    {command}

**Scores**: mean return of a simulated day in neutral free hours, over {lives} lives of {days} days
each that took no part in training, all with the same luck, with 95 % intervals.

| who | mean | 95 % |
|---|---|---|
{rows}

Paired differences, by the same lives:

{verdicts}

**Limits.** It is as good as the simulator is true: how people's days, energy and acceptance work
there is partly chosen and partly from the literature, not measured on users. It sees at most 8
projects and 12 people, today's free time and no event beyond it. It has no part in hard limits,
which are masks. Nothing is known of how it treats lives unlike those `lives.py` draws. For a
person it goes into service, or not, by the gate (`twind/rl/evaluate.py`): where a plain rule wins
there, the rule serves.
"""


def sample_lives(count: int, seed: int) -> list[Snapshot]:
    """Return `count` invented lives."""
    rng = np.random.default_rng(seed)
    return [sample_life(rng) for _ in range(count)]


def pretrain(
    timesteps: int,
    seed: int,
    *,
    lives: int = LIVES,
    threads: int | None = THREADS,
    progress: bool = False,
    verbose: int = 0,
) -> TwinPPO:
    """Train a policy on `lives` invented lives, and return the agent."""
    budget = plan_budget(timesteps, envs=ENVS, steps=STEPS, batch=BATCH)
    env = PersonalLifeVecEnv(sample_lives(lives, seed), num_envs=budget.envs, seed=seed)
    agent = fresh_agent(env, budget, seed, threads=threads, verbose=verbose)
    return agent.learn(timesteps, progress_bar=progress, log_interval=10)


def fresh_agent(
    env: PersonalLifeVecEnv,
    budget: Budget,
    seed: int,
    *,
    threads: int | None = THREADS,
    verbose: int = 0,
) -> TwinPPO:
    """Return an agent that has learnt nothing, as pre-training begins with it."""
    return TwinPPO(
        TwinPolicy,
        env,
        learning_rate=LinearSchedule(RATE),
        n_steps=budget.steps,
        batch_size=budget.batch,
        seed=seed,
        threads=threads,
        verbose=verbose,
    )


def compare(
    policy: TwinPolicy, seed: int, *, lives: int = UNSEEN, days: int = DAYS
) -> dict[str, Any]:
    """Return scores of the policy and the rules on unseen lives, and its paired differences."""
    # Training counts its lives up from `seed`; these come from another corner of the numbers.
    unseen_seed = int(np.random.SeedSequence([seed, 1]).generate_state(1)[0])
    unseen = sample_lives(lives, unseen_seed)
    field = {"base": policy.choose, **RULES}
    run = {
        name: evaluate.returns(unseen, choose, lives=lives, days=days, seed=unseen_seed)
        for name, choose in field.items()
    }
    scores = [evaluate.score(name, kept) for name, kept in run.items()]
    differences = [evaluate.difference(run, "base", name) for name in RULES]
    return {
        "lives": lives,
        "days": days,
        "scores": {each.name: [each.mean, each.low, each.high] for each in scores},
        "base_minus": {each.against: [each.mean, each.low, each.high] for each in differences},
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m twind.rl.pretrain", description=__doc__)
    parser.add_argument("--timesteps", type=int, default=TIMESTEPS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--lives", type=int, default=LIVES)
    parser.add_argument("--unseen", type=int, default=UNSEEN)
    parser.add_argument("--threads", type=int, default=THREADS)
    parser.add_argument("--out", type=Path, default=weights.BASE)
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args(argv)
    begun = clock.monotonic_s()
    agent = pretrain(
        arguments.timesteps,
        arguments.seed,
        lives=arguments.lives,
        threads=arguments.threads,
        progress=sys.stderr.isatty(),
        verbose=int(arguments.verbose),
    )
    result = {
        "timesteps": agent.num_timesteps,
        "seed": arguments.seed,
        "training_lives": arguments.lives,
        "seconds": round(clock.monotonic_s() - begun, 1),
        "sha256": weights.save(agent.policy, arguments.out),
        **compare(agent.policy, arguments.seed, lives=arguments.unseen),
    }
    command = (
        f"OPENBLAS_NUM_THREADS=1 python -m twind.rl.pretrain --timesteps {arguments.timesteps}"
        f" --seed {arguments.seed} --lives {arguments.lives} --unseen {arguments.unseen}"
    )
    card = arguments.out.parent / "MODEL_CARD.md"
    card.write_text(model_card(result, command, arguments.out.name), "utf-8")
    sys.stdout.write(json.dumps(result, indent=2) + "\n")
    return 0


def model_card(result: Mapping[str, Any], command: str, name: str) -> str:
    """Return the card of a base policy from what `main` prints, the command and the file's name."""
    rows = [
        f"| {contestant} | {mean:.3f} | {low:.3f} to {high:.3f} |"
        for contestant, (mean, low, high) in sorted(
            result["scores"].items(), key=lambda item: -item[1][0]
        )
    ]
    return CARD.format(
        name=name,
        command=command,
        rows="\n".join(rows),
        verdicts="\n".join(
            f"- {_verdict(rule, *interval)}" for rule, interval in result["base_minus"].items()
        ),
        **{key: result[key] for key in ("timesteps", "training_lives", "seed", "lives", "days")},
        sha256=result["sha256"],
    )


def _verdict(rule: str, mean: float, low: float, high: float) -> str:
    figures = f"({mean:+.3f} a day, 95 % interval {low:+.3f} to {high:+.3f})"
    if low > 0.0:
        return f"It beats `{rule}` {figures}."
    if high < 0.0:
        return f"**`{rule}` beats it** {figures}."
    return f"It cannot be told apart from `{rule}` {figures}."


if __name__ == "__main__":
    sys.exit(main())
