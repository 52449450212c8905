import subprocess
import sys
import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env as check_gymnasium
from stable_baselines3.common.env_checker import check_env as check_sb3

import twind.rl
from twind.rl.env import PersonalLifeEnv
from twind.rl.lives import sample_life
from twind.rl.spaces import SHAPES, SLOTS

LEAVE = np.array([0, 0, 5, 1])


@pytest.fixture(scope="module")
def life():
    return sample_life(np.random.default_rng(3))


def legal(rng, seen):
    kind = int(rng.choice(np.flatnonzero(seen["mask_type"])))
    rest = ("mask_target", "mask_duration", "mask_intensity")
    return np.array([kind, *(int(rng.choice(np.flatnonzero(seen[name][kind]))) for name in rest)])


def play(env, seed, days=1):
    rng = np.random.default_rng(seed)
    seen, _ = env.reset(seed=seed)
    told = []
    for _ in range(days):
        over = False
        while not over:
            action = legal(rng, seen)
            seen, reward, terminated, over, info = env.step(action)
            assert not terminated
            told.append((seen, reward, info))
        seen, _ = env.reset(options={"continue": True})
    return told


def test_gymnasiums_checker_finds_nothing(life):
    env = gymnasium.make("twind/PersonalLife-v0", snapshot=life)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_gymnasium(env.unwrapped)
        check_gymnasium(gymnasium.make("twind/PersonalLife-v0").unwrapped)


def test_sb3s_checker_finds_nothing(life):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Advice about flat networks: the policy for these sets is twind's own.
        warnings.filterwarnings("ignore", message=".*unconventional shape.*")
        check_sb3(gymnasium.make("twind/PersonalLife-v0", snapshot=life).unwrapped)


def test_importing_the_room_loads_no_torch():
    code = "import sys, twind.rl; sys.exit('torch' in sys.modules or 'numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert twind.rl.PersonalLifeEnv is PersonalLifeEnv
    with pytest.raises(AttributeError, match="nothing"):
        _ = twind.rl.nothing


def test_equal_seeds_repeat_exactly(life):
    env = PersonalLifeEnv(life)
    first, second = play(env, 4, days=2), play(env, 4, days=2)
    again = play(PersonalLifeEnv(life), 4, days=2)
    for other in (second, again):
        assert [told[1] for told in first] == [told[1] for told in other]
        for (one, _, _), (two, _, _) in zip(first, other, strict=True):
            assert all(np.array_equal(one[name], two[name]) for name in SHAPES)
    assert [told[1] for told in first] != [told[1] for told in play(env, 5, days=2)]


def test_without_a_snapshot_each_reset_lives_another_life():
    env = PersonalLifeEnv()
    one, _ = env.reset(seed=1)
    two, _ = env.reset()
    again, _ = env.reset(seed=1)
    assert not np.array_equal(one["worth"], two["worth"])
    assert np.array_equal(one["worth"], again["worth"])


def test_an_illegal_action_is_projected_and_flagged(life):
    env = PersonalLifeEnv(life)
    env.reset(seed=1)
    *_, info = env.step(np.array([2, 0, 5, 2]))  # work without a project
    assert info["projected"]
    env.reset(seed=1)
    *_, info = env.step(LEAVE - [0, 0, 5, 0])
    assert not info["projected"]


def test_a_day_is_truncated_at_its_end_and_the_next_goes_on(life):
    env = PersonalLifeEnv(life)
    told = play(env, 2)
    seen, _, info = told[-1]
    assert info["slot"] == SLOTS
    assert seen["mask_type"].tolist() == [1.0] + [0.0] * 10
    assert env.simulation.world.day[0] == 1
    before = env.simulation.world.warmth.copy()
    env.reset(options={"continue": True})
    assert env.simulation.world.day[0] == 2
    assert np.array_equal(before > 0, env.simulation.world.warmth > 0)


def test_a_reset_may_start_at_another_day_and_says_when_there_is_none(life):
    env = PersonalLifeEnv(life)
    _, info = env.reset(seed=1, options={"day": 3})
    assert info["day"] == 3
    with pytest.raises(ValueError, match="beyond"):
        env.reset(options={"day": 99})


def test_after_its_last_day_a_life_begins_again(life):
    env = PersonalLifeEnv(life)
    env.reset(seed=1)
    for _ in life.days:
        over = False
        while not over:
            *_, over, _ = env.step(LEAVE)
        _, info = env.reset(options={"continue": True})
    assert info["day"] == 0


def test_the_parts_add_up_to_the_reward(life):
    env = PersonalLifeEnv(life)
    told = play(env, 3)
    for _, reward, info in told[1:]:
        assert sum(info["parts"].values()) == pytest.approx(reward, abs=1e-9)


def test_a_day_reads_as_text(life):
    env = PersonalLifeEnv(life, render_mode="ansi")
    env.reset(seed=1)
    over = False
    while not over:
        *_, over, _ = env.step(LEAVE)
    text = env.render()
    assert life.days[0].date.strftime("%B") in text
    assert "sleep" in text
    assert "energy" in text
    assert PersonalLifeEnv(life).render() is None
    with pytest.raises(ValueError, match="render_mode"):
        PersonalLifeEnv(life, render_mode="human")


def test_stepping_before_a_reset_says_so(life):
    with pytest.raises(RuntimeError, match="reset"):
        PersonalLifeEnv(life).step(LEAVE)


def test_what_is_proposed_for_a_later_day_is_arranged_before_it_comes(life):
    env = PersonalLifeEnv(life)
    env.reset(seed=1)
    assert env.simulation.world.foreseen[0] == 0.0
    env.reset(seed=1, options={"day": 1})
    assert env.simulation.world.foreseen[0] == 1.0
    while not env.simulation.world.done[0]:
        env.step(LEAVE)
    env.reset(options={"continue": True})
    assert env.simulation.world.foreseen[0] == 0.0
