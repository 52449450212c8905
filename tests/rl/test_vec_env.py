import numpy as np
import pytest

from twind.rl.lives import sample_life
from twind.rl.spaces import SHAPES, observation_space
from twind.rl.vec_env import PersonalLifeVecEnv, Simulation, stream


@pytest.fixture(scope="module")
def lives():
    return [sample_life(np.random.default_rng(seed)) for seed in range(6)]


def legal(rng, seen):
    """Draw a legal action for each day, (N, 4)."""

    def pick(mask):
        return np.argmax(np.where(mask > 0, rng.random(mask.shape), -1.0), axis=1)

    kind = pick(seen["mask_type"])
    rows = np.arange(len(kind))
    rest = ("mask_target", "mask_duration", "mask_intensity")
    return np.stack([kind, *(pick(seen[name][rows, kind]) for name in rest)], axis=1)


def nothing(seen):
    return np.tile([0, 0, 5, 1], (len(seen["clock"]), 1))


def test_one_day_equals_the_same_day_among_many(lives):
    size = 24
    batch = Simulation(lives, size)
    life = np.arange(size) % len(lives)
    seeds = np.array([stream(1, index) for index in range(size)])
    batch.begin(life, seeds)
    alone = [Simulation([lives[life[index]]], 1) for index in range(size)]
    for index, one in enumerate(alone):
        one.begin(np.zeros(1, np.int64), seeds[index : index + 1])
    rng = np.random.default_rng(0)
    for _ in range(30):
        actions = legal(rng, batch.seen.as_dict())
        rewards = batch.step(actions).copy()
        for index, one in enumerate(alone):
            assert one.step(actions[index : index + 1])[0] == rewards[index]
            for name, array in one.seen.as_dict().items():
                assert np.array_equal(array[0], batch.seen.as_dict()[name][index])
        over = batch.world.done.copy()
        batch.go_on(over)
        for index, one in enumerate(alone):
            if over[index]:
                one.go_on(np.ones(1, np.bool_))


def test_days_end_truncated_and_chain(lives):
    env = PersonalLifeVecEnv(lives, 16, seed=2)
    seen = env.reset()
    space = observation_space()
    rng = np.random.default_rng(0)
    ended = 0
    for _ in range(120):
        seen, rewards, dones, infos = env.step(legal(rng, seen))
        assert set(seen) == set(SHAPES)
        assert np.isfinite(rewards).all()
        assert not env.simulation.world.projected.any()
        assert space.contains({name: array[0] for name, array in seen.items()})
        rows, last = env.terminal
        assert np.array_equal(rows, np.flatnonzero(dones))
        for row in range(16):
            assert bool(infos[row]) == bool(dones[row])
        for place, row in enumerate(rows):
            assert infos[row]["TimeLimit.truncated"] is True
            told = infos[row]["terminal_observation"]
            assert space.contains(told)
            assert np.array_equal(told["clock"], last["clock"][place])
            # The morning after, unless the life is over and another has begun.
            if told["clock"][4] > 0.0:
                assert np.array_equal(told["clock"], seen["clock"][row])
            else:
                assert env.simulation.world.day[row] == 0
        ended += len(rows)
    assert ended > 50
    assert env.simulation.world.day.max() > 2


def test_what_was_returned_does_not_change_later(lives):
    env = PersonalLifeVecEnv(lives, 4)
    first = env.reset()
    kept = {name: array.copy() for name, array in first.items()}
    env.step(legal(np.random.default_rng(0), first))
    assert all(np.array_equal(kept[name], first[name]) for name in SHAPES)


def test_equal_seeds_repeat_and_others_do_not(lives):
    def rewards(seed):
        env = PersonalLifeVecEnv(lives, 8, seed=seed)
        seen, rng, paid = env.reset(), np.random.default_rng(1), []
        for _ in range(100):
            seen, reward, _, _ = env.step(legal(rng, seen))
            paid.append(reward)
        return np.array(paid)

    assert np.array_equal(rewards(3), rewards(3))
    assert not np.array_equal(rewards(3), rewards(4))


def test_a_life_ends_and_the_next_begins(lives):
    env = PersonalLifeVecEnv(lives[:3], 2, seed=0)
    env.reset()
    assert env.simulation.world.life.tolist() == [0, 1]
    seen = set()
    for _ in range(600):
        env.step(nothing({"clock": np.zeros(2)}))
        seen.add(tuple(env.simulation.world.life.tolist()))
    assert {life for pair in seen for life in pair} == {0, 1, 2}


def test_no_life_is_an_error():
    with pytest.raises(ValueError, match="no life"):
        PersonalLifeVecEnv([], 2)


def test_it_is_a_vec_env_for_sb3(lives):
    env = PersonalLifeVecEnv(lives, 3)
    assert env.get_attr("num_envs") == [3, 3, 3]
    assert env.env_is_wrapped(object) == [False] * 3
    env.seed(9)
    one = env.reset()
    env.seed(9)
    assert np.array_equal(env.reset()["clock"], one["clock"])
    with pytest.raises(NotImplementedError):
        env.set_attr("x", 1)
    with pytest.raises(NotImplementedError):
        env.env_method("x")
    env.close()
