"""Six weeks with twind: how much better a simulated person's days become, by their own lights.

    python benchmarks/fidelity.py --user families:Linear --people 4 --days 42 --seed 0 --json

plays the whole product (store, jobs, planner, with the clock driven) against somebody who keeps to
`twind.testing.SimulatedUser`; without --user, against every family of families.py. For four weeks
before the first day the person has lived by themselves, and what they noted stands in the calendar.

Each person lives the same days several times, with the same luck: with twind; with nobody
proposing anything; with proposals from a search that knows what a day is really worth to them, and
that they say no to as to any other; with a supervised predictor of what they accept; and with what
twind would be that learns from nothing, from answers alone, or from behaviour alone. `lived_gain`
is what the days were worth beyond those with nobody, scaled so that the search that knows is 1.

Who does not keep to the protocol is told by method, day and value; who lacks what one of the --ways
needs, before anything is played.
"""

from __future__ import annotations

import argparse
import copy
import importlib
import json
import os
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import knowing
import numpy as np
from checking import BreachError, Checked
from figures import FAST, PEOPLE, SEED
from predicting import Predictor
from scoring import ANSWERS, ASKED_AGAIN, pooled, report

BEFORE_DAYS = 28
"""Days lived before twind is there."""
QUESTIONS_A_DAY = 4
TRAINING_STEPS = 20_000
CHECKINS_H = (9, 15)
PROPOSES_TWICE = 3
"""The day of the week, from the first, on which twind proposes twice in a row."""
GAP_DAYS = 3
CERTAIN_SD = 0.01
WAYS = ("twind", "no_learning", "answers_only", "behaviour_only")
"""Ways in which twind itself is played; nothing and knowing are the ends of the scale."""
CEILINGS = ("told", "no_foresight")
"""Ways in which somebody lives who knows a share of what is to be known: twind that is told their
tastes, and the search that knows, but for the day's luck."""
NEEDS = {"told": "tastes", "no_foresight": "in_other_luck"}
"""What somebody must have beyond the protocol to live in these ways."""


@dataclass
class Told:
    """What one person's days with one way came to.

    worth: of each day. own: what was taken up added to each, beside the very day left alone. said:
    of each proposal that was answered, its day, the probability of being accepted that twind gave
    it, and whether it was. truly: how often they would have said yes in other luck, and how often
    anything; empty where it is not told. proposed: how many, by day. moved: of days on which twind
    proposed twice in a row, the share of proposals that were others then. pairs: of two things, how
    sure twind was in the end of which is worth more, and whether it was. ahead: as
    `Companion.look_ahead` has it.
    """

    worth: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)
    said: list[tuple[int, float, bool]] = field(default_factory=list)
    truly: list[tuple[int, int]] = field(default_factory=list)
    proposed: list[int] = field(default_factory=list)
    moved: list[float] = field(default_factory=list)
    pairs: list[tuple[float, bool]] = field(default_factory=list)
    ahead: dict[str, float] | None = None

    def live(self, user, day, taken):
        """Have somebody live a day with what they took up; return what happened."""
        alone = knowing.imagined(user, day, ())
        worth, blocks = knowing.lived(user, day, taken)
        self.worth.append(worth)
        self.own.append(worth - alone)
        return blocks


# --- one person's days ---------------------------------------------------------------------------


def live_with_nobody(user, days):
    """Return what the person's days are worth with nobody proposing anything."""
    return Told([knowing.lived(user, day, ())[0] for day in days])


def live_with_who_knows(user, days, seed, *, foresight=True):
    """Return the same with proposals by somebody who knows what a day is really worth to them.

    foresight: whether they know the day's luck as well.
    """
    told = Told()
    for number, day in enumerate(days):
        lucks = None if foresight else knowing.in_other_lucks(user)
        chosen = knowing.best_proposals(user, day, knowing.luck_of(seed, day), lucks)
        told.live(user, day, _taken(user, day, number, chosen, told))
    return told


def _taken(user, day, number, shown, told):
    """Return what somebody takes up of what is shown; what they say, nobody has foretold."""
    said = user.review(day, shown)
    told.said += [(number, 0.5, knowing.accepts(word)) for word in said if knowing.answers(word)]
    return knowing.taken_up(shown, said)


def live_with_a_predictor(user, days, seed):
    """Return the same with proposals by who learns what is accepted, and nothing else."""
    most = knowing.settings_of(user).proposals.max_per_day
    told, predictor = Told(), Predictor(seed, most)
    for day in days:
        shown = predictor.propose(knowing.everything(user, day), day, knowing.clash)
        said = user.review(day, shown)
        for one, word in zip(shown, said, strict=True):
            predictor.learn(one, knowing.accepts(word))
        told.live(user, day, knowing.taken_up(shown, said))
    return told


# --- twind ---------------------------------------------------------------------------------------


class Source:
    """What the person's calendar, tasks and contacts hold, as a plugin would read it."""

    name = "life"

    def __init__(self, user, diary):
        self.user, self.diary = user, diary

    def fetch(self, ctx):
        """Yield what is there, and what was lived and noted."""
        yield from self.user.life.records(ctx.now)
        yield from self.diary


class Companion:
    """twind, living with somebody: a store of its own, the product's jobs, a clock that is driven.

    way: one of WAYS, which says what it may learn from.
    """

    def __init__(self, user, diary, root, way, training_steps):
        from twind import api
        from twind.clock import FixedClock
        from twind.home import Home
        from twind.plugins import Loaded
        from twind.store import Store, profiles

        self.user, self.way, self.training_steps = user, way, training_steps
        self.settings = knowing.settings_of(user)
        self.diary = list(diary) if self._learns_from("behaviour") else []
        self.clock = FixedClock(datetime(2026, 1, 1, tzinfo=UTC))
        self.home = Home.under(root)
        self.db = Store.open(self.home.database, self.clock)
        profiles.ensure(self.db, self.settings.profile.id)
        source = Source(user, self.diary)
        self.source = Loaded(
            source.name, source, api.Settings(), Path(__file__), frozenset({"fetch"}), "ok"
        )

    def close(self):
        """Close the store."""
        self.db.close()

    def live(self, day, number, told):
        """Live one day together, the `number`th."""
        moved = self.wake_up(day)
        if self._learns_from("answers"):
            for _ in range(QUESTIONS_A_DAY):
                if not self.ask():
                    break
            moved = self.work("detect")
        if self.training_steps and number % 7 == 0 and moved["train_due"]:
            self.work("train", timesteps=self.training_steps, seed=number)
        self._set_clock(day, self.settings.schedule.propose_at)
        self.work("propose", day=day.isoformat())
        if number % 7 == PROPOSES_TWICE:
            self._propose_again(day, told)
        taken = self._review(day, number, told)
        for hour in CHECKINS_H:
            self._check_in(day, hour)
        blocks = told.live(self.user, day, taken)
        if self._learns_from("behaviour"):
            self.diary += noted(self.user, day, blocks)

    def _learns_from(self, what):
        return self.way in ("twind", f"{what}_only")

    def reader(self):
        """Return the reader of what is known by now."""
        return self._order().reader()

    def _sync(self):
        from twind.jobs.sync import sync_one
        from twind.store import sources

        sync_one(self._order(), self.source)
        problems = sources.errors(self.db, self.settings.profile.id, self.source.name)
        if problems:
            raise ValueError(f"the life's records cannot be read: {problems[0]}")

    def wake_up(self, day):
        """Read what there is, before the day's proposals."""
        self._set_clock(day, self.settings.schedule.propose_at - 10)
        self._sync()
        return self.work("detect")

    def ask(self, rng=None):
        """Ask one question, drawn by `rng` where it is given; tell whether there was one."""
        from twind.store import questions

        profile = self.settings.profile.id
        # Choosing comes before reading: it may make up questions about this very life.
        chosen = None if rng else self.work("elicit", more=True)["id"]
        known = {one.id: one for one in questions.load(self.db, profile)}
        if rng is not None:
            asked = {one.question_id for one in questions.responses(self.db, profile)}
            chosen = int(rng.choice(sorted(set(known) - asked)))
        if chosen is None:
            return False
        said = self.user.answer(known[chosen])
        skipped = said == "skip"
        questions.answer(
            self.db, profile, chosen, None if skipped else said,
            "skipped" if skipped else "selected",
        )  # fmt: skip
        return True

    def plan(self, number, day, believing=lambda belief: belief, *, reviewed=True):
        """Return the best that twind knows of for a day, the `number`th from today.

        As it would plan when it is time to propose, and by the same limits. Nothing is kept, and
        nothing is proposed to see what is said to it. believing: returns what is to be believed in
        place of what twind believes. reviewed: whether reviews tell what is taken up.
        """
        from twind import evidence
        from twind import reviewed as reviews
        from twind.jobs.propose import unasked
        from twind.preferences.uptake import Uptake
        from twind.rl.candidates import Limits
        from twind.rl.explain import Teller
        from twind.rl.pipeline import DataPipeline
        from twind.rl.planner import plan_day
        from twind.rl.trainer import serving_choice

        today = day - timedelta(days=number)
        self._set_clock(today, self.settings.schedule.propose_at)
        profile = self.settings.profile.id
        snapshot = DataPipeline(self.db, self.settings, self.clock).snapshot(profile)
        snapshot = replace(snapshot, belief=believing(snapshot.belief))
        serving = serving_choice(self.db, profile, self.home.models_dir)
        reader = self.reader()
        limits = Limits(
            most=self.settings.proposals.max_per_day,
            min_acceptance=self.settings.proposals.min_confidence,
            without=unasked(self.settings)[0],
            uptake=reviews.uptake_of(reader) if reviewed else Uptake(),
        )
        made = plan_day(snapshot, number, guide=serving.guide, limits=limits, seed=day.toordinal())
        teller = Teller(reader, snapshot, evidence.believe(reader), serving.name)
        # Numbered as what was kept is: some people do not like what is proposed, as such.
        return [
            replace(teller.proposal(one, number), id=place)
            for place, one in enumerate(made.items, 1)
        ]

    def _review(self, day, number, told):
        """Have the person say what they think; return what they will do."""
        from twind.store import proposals, words

        profile = self.settings.profile.id
        shown = self._shown(day)
        told.proposed.append(len(shown))
        taken = []
        truly = knowing.inclinations(self.user, day, shown, ASKED_AGAIN)
        for place, word in enumerate(self.user.review(day, shown)):
            one = shown[place]
            if knowing.answers(word):
                told.said.append((number, one.confidence, knowing.accepts(word)))
                told.truly += truly[place : place + 1]
            kept = one if word is None else proposals.review(self.db, profile, word)
            if self.way != "twind":
                # What was taken up is known, but neither that nor anything else tells of tastes.
                for row, said in proposals.feedback(self.db, profile):
                    if said.proposal_id == one.id:
                        words.say(self.db, profile, "evidence", f"feedback/{row}")
                if not knowing.accepts(word):
                    proposals.withdraw(self.db, profile, [one.id], "learns nothing of it")
            if knowing.accepts(word):
                taken.append(kept)
        return taken

    def _propose_again(self, day, told):
        """Propose once more, nothing having changed."""
        before = {one.id for one in self._shown(day)}
        self.work("propose", day=day.isoformat())
        if before:
            kept = before & {one.id for one in self._shown(day)}
            told.moved.append(1.0 - len(kept) / len(before))

    def _shown(self, day):
        from twind.store import proposals

        return proposals.load(self.db, self.settings.profile.id, status="pending", day=day)

    def look_ahead(self, day):
        """Return what the plans for the days from `day` on would add to them, in other luck.

        By what twind has learnt ("learnt"), by what it believed before ("unlearnt"), and by who
        knows all but the luck ("knowing"): all from where the person is now, so that what was done
        and who was met before does not count. None for who does not say how other luck would be.
        """
        lucks = knowing.in_other_lucks(self.user)
        if lucks is None:
            return None
        self.wake_up(day)
        prior = self._prior()
        sums = dict.fromkeys(("learnt", "unlearnt", "knowing"), 0.0)
        for number in range(GAP_DAYS):
            then = day + timedelta(days=number)
            plans = {
                "learnt": self.plan(number, then),
                "unlearnt": self.plan(number, then, lambda _: prior, reviewed=False),
                "knowing": knowing.best_proposals(
                    self.user, then, knowing.luck_of(number, then), lucks, today=number == 0
                ),
            }
            for name, plan in plans.items():
                sums[name] += np.mean([knowing.added(one, then, plan) for one in lucks])
        return sums

    def _prior(self):
        """Return what was believed before any evidence, as a snapshot has it."""
        from twind import evidence
        from twind.rl.snapshot import Belief

        prior = evidence.prior(self.reader())
        posterior = prior.posterior
        return Belief(names=prior.names, mean=posterior.mean, covariance=posterior.covariance)

    def compare_pairs(self, day, told):
        """Note, of every two activities, which twind holds for worth more, and whether it is."""
        from statistics import NormalDist

        from twind import evidence, proposed

        belief = evidence.believe(self.reader())
        offered = knowing.alternatives(self.user, day)
        worth = [knowing.imagined(self.user, day, (one,)) for one in offered]
        blocks = [proposed.block_of(one, self.settings.zone) for one in offered]
        features = [proposed.features(*both) for both in zip(offered, blocks, strict=True)]
        for place, mine in enumerate(features):
            for other in range(place):
                rows = belief.vector(mine) - belief.vector(features[other])
                gap = float(rows @ belief.posterior.mean)
                spread = float(belief.posterior.sd(rows[None])[0])
                if spread > 0.0 and worth[place] != worth[other]:
                    sure = NormalDist().cdf(abs(gap) / spread)
                    told.pairs.append((sure, (gap > 0.0) == (worth[place] > worth[other])))

    def _check_in(self, day, hour):
        from twind.store import checkins

        self._set_clock(day, hour * 60)
        level = self.user.energy(self.clock.now())
        if level is not None and self.way == "twind":
            checkins.add(self.db, self.settings.profile.id, level)

    def _set_clock(self, day, minute):
        wanted = knowing.moment_of(day, minute, self.settings.zone)
        self.clock.advance(seconds=(wanted - self.clock.now()).total_seconds())

    def work(self, name, **args):
        """Do a job as its worker does."""
        return importlib.import_module(f"twind.jobs.{name}").run(self._order(**args))

    def _order(self, **args):
        from twind.jobs.work import Work

        return Work(self.db, self.home, self.settings, self.clock, args)


def live_with_twind(user, diary, days, way, training_steps):
    """Return what the person's days are worth with twind."""
    told = Told()
    with tempfile.TemporaryDirectory() as root:
        twin = Companion(user, diary, Path(root), way, training_steps)
        try:
            for number, day in enumerate(days):
                twin.live(day, number, told)
            after = days[-1] + timedelta(days=1)
            twin.compare_pairs(after, told)
            if way == "twind":
                told.ahead = twin.look_ahead(after)
        finally:
            twin.close()
    return told


def live_with_who_was_told(user, diary, days):
    """Return the same with twind that is told their tastes, and reads their calendar.

    What they say to its proposals it does not learn from: there is nothing more to know of tastes.
    """
    told = Told()
    with tempfile.TemporaryDirectory() as root:
        twin = Companion(user, diary, Path(root), "behaviour_only", 0)
        try:
            for number, day in enumerate(days):
                twin.wake_up(day)
                shown = twin.plan(0, day, lambda belief: _told(belief, user.tastes))
                blocks = told.live(user, day, _taken(user, day, number, shown, told))
                twin.diary += noted(user, day, blocks)
        finally:
            twin.close()
    return told


def plans_after_answers(user, order, seed):
    """Return what the plans come to that twind makes after so many answers, by their number.

    Nothing else is known of the person. order: "chosen" by twind, or "random". Each is the mean of
    GAP_DAYS days, on which the person does what is planned.
    """
    rng = np.random.default_rng([seed, 11])
    days = [user.life.first_day + timedelta(days=number) for number in range(GAP_DAYS)]
    worth, answered = {}, 0
    with tempfile.TemporaryDirectory() as root:
        twin = Companion(user, (), Path(root), "answers_only", 0)
        try:
            twin.wake_up(days[0])
            for wanted in ANSWERS:
                while answered < wanted and twin.ask(rng if order == "random" else None):
                    answered += 1
                plans = [twin.plan(number, day) for number, day in enumerate(days)]
                worth[wanted] = np.mean(
                    [
                        knowing.imagined(user, day, plan)
                        for day, plan in zip(days, plans, strict=True)
                    ]
                )
        finally:
            twin.close()
    return worth


def plans_told(user):
    """Return the same of plans by twind that is told the person's tastes; None where it cannot be.

    What a planner of twind's makes of them is all that answers could ever lead to.
    """
    tastes = getattr(user, "tastes", None)
    if tastes is None:
        return None
    days = [user.life.first_day + timedelta(days=number) for number in range(GAP_DAYS)]
    with tempfile.TemporaryDirectory() as root:
        twin = Companion(user, (), Path(root), "answers_only", 0)
        try:
            twin.wake_up(days[0])
            plans = [
                twin.plan(number, day, lambda belief: _told(belief, tastes))
                for number, day in enumerate(days)
            ]
        finally:
            twin.close()
    return np.mean(
        [knowing.imagined(user, day, plan) for day, plan in zip(days, plans, strict=True)]
    )


def _told(belief, tastes):
    """Return a belief that is sure of these tastes, (75,)."""
    mean, covariance = belief.mean.copy(), belief.covariance.copy()
    mean[: len(tastes)] = tastes
    covariance[: len(tastes)] = 0.0
    covariance[:, : len(tastes)] = 0.0
    np.fill_diagonal(covariance[: len(tastes), : len(tastes)], CERTAIN_SD**2)
    return replace(belief, mean=mean, covariance=covariance)


def plans_who_knows(user, seed, lucks=None):
    """Return the same of plans of the search that knows; lucks as in its `best_proposals`."""
    days = [user.life.first_day + timedelta(days=number) for number in range(GAP_DAYS)]
    plans = [
        knowing.best_proposals(user, day, knowing.luck_of(seed, day), lucks, today=number == 0)
        for number, day in enumerate(days)
    ]
    return np.mean(
        [knowing.imagined(user, day, plan) for day, plan in zip(days, plans, strict=True)]
    )


def plans_without_foresight(user, seed):
    """Return the same of who knows their tastes and not the day's luck; None where it is untold."""
    lucks = knowing.in_other_lucks(user)
    return plans_who_knows(user, seed, lucks) if lucks else None


def noted(user, day, blocks):
    """Return what the person wrote of a day into their calendar."""
    from twind.model import Attendee, CalendarEvent, Person

    settings = knowing.settings_of(user)
    known = user.life.records(knowing.moment_of(day, 0, settings.zone))
    emails = {one.uid: one.emails[0] for one in known if isinstance(one, Person) and one.emails}
    me = (*settings.profile.emails, "")[0]
    events = []
    for number, block in enumerate(blocks):
        if block.noted:
            others = [emails[name] for name in block.people if name in emails]
            events.append(
                CalendarEvent(
                    uid=f"diary-{day}-{number}",
                    title=block.title or block.activity,
                    start=block.start,
                    end=block.end,
                    organizer=me if others else "",
                    attendees=tuple(Attendee(email=one, status="accepted") for one in others),
                    categories=(block.activity,),
                )
            )
    return events


# --- everybody -----------------------------------------------------------------------------------


def lived_before(user):
    """Have the person live BEFORE_DAYS by themselves; return what they noted of them."""
    diary = []
    for offset in range(-BEFORE_DAYS, 0):
        day = user.life.first_day + timedelta(days=offset)
        diary += noted(user, day, knowing.lived(user, day, ())[1])
    return diary


def one_person(factory, seed, days, training_steps, ways):
    """Return what one person's days came to, by the way they were lived."""
    import torch

    torch.set_num_threads(1)
    user = Checked(_found(factory)(seed))
    diary = lived_before(user)
    dates = [user.life.first_day + timedelta(days=number) for number in range(days)]
    told = {
        "nothing": live_with_nobody(copy.deepcopy(user), dates),
        "knowing": live_with_who_knows(copy.deepcopy(user), dates, seed),
        "predictor": live_with_a_predictor(copy.deepcopy(user), dates, seed),
    }
    told["gap"] = {
        order: plans_after_answers(copy.deepcopy(user), order, seed)
        for order in ("chosen", "random")
    }
    told["gap"]["knowing"] = plans_who_knows(copy.deepcopy(user), seed)
    told["gap"]["told"] = plans_told(copy.deepcopy(user))
    told["gap"]["no_foresight"] = plans_without_foresight(copy.deepcopy(user), seed)
    for way in ways:
        told[way] = _live(way, copy.deepcopy(user), diary, dates, seed, training_steps)
    return told


def _live(way, user, diary, dates, seed, training_steps):
    if way == "no_foresight":
        return live_with_who_knows(user, dates, seed, foresight=False)
    if way == "told":
        return live_with_who_was_told(user, diary, dates)
    return live_with_twind(user, diary, dates, way, training_steps)


def _found(factory):
    module, _, name = factory.partition(":")
    if not name:
        raise SystemExit(f'--user "{factory}": write package.module:factory')
    sys.path.insert(0, str(Path.cwd()))
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise SystemExit(f'--user "{factory}": {error}') from error


def refuse(factory, seed, ways):
    """Raise SystemExit where a family cannot be played in these ways."""
    from twind.errors import SettingsError

    try:
        user = Checked(_found(factory)(seed))
        knowing.settings_of(user)
        lacks = [
            f"{NEEDS[way]}, without which there is no {way}"
            for way in ways
            if way in NEEDS and getattr(user, NEEDS[way], None) is None
        ]
    except (BreachError, SettingsError) as error:
        raise SystemExit(f"{factory}: {error}") from error
    if lacks:
        raise SystemExit(f"{factory} has no {'; and no '.join(lacks)}")


def play(factories, people, days, seed, training_steps, ways=WAYS):
    """Play people of each family and print their figures as they come.

    Raises SystemExit where they cannot be.
    """
    for factory in factories:
        refuse(factory, seed, ways)
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        waiting = {
            factory: [
                pool.submit(one_person, factory, seed + number, days, training_steps, ways)
                for number in range(people)
            ]
            for factory in factories
        }
        all_told = []
        for factory, each in waiting.items():
            try:
                everyone = [one.result() for one in each]
            except BreachError as error:
                pool.shutdown(wait=False, cancel_futures=True)
                raise SystemExit(f"{factory}: {error}") from error
            all_told += [person["twind"] for person in everyone]
            drift_day = getattr(_found(factory), "drift_day", None)
            family = factory.rpartition(":")[2]
            for line in report(family, everyone, days, (*ways, "predictor"), drift_day):
                print(json.dumps(line, allow_nan=False), flush=True)
        for line in pooled(all_told):
            print(json.dumps(line, allow_nan=False), flush=True)


def measure():
    """Print fidelity.* of every family, as `make bench` does."""
    from families import FAMILIES

    names = [f"families:{factory.__name__}" for factory in FAMILIES]
    if FAST:
        play(names[:1], PEOPLE or 1, 7, SEED, 0, WAYS[:2])
    else:
        play(names, PEOPLE or 4, 42, SEED, TRAINING_STEPS)


def main():
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--user", help="package.module:factory; default: every family that ships")
    parser.add_argument("--people", type=int, default=4, help="how many, of successive seeds")
    parser.add_argument("--days", type=int, default=42)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--train", type=int, default=TRAINING_STEPS, help="steps a week; 0: none")
    parser.add_argument(
        "--ways",
        default=",".join(WAYS),
        help=f"twind, and what else, {', '.join(CEILINGS)} as well: %(default)s",
    )
    parser.add_argument("--json", action="store_true", help="one line of JSON a figure (always so)")
    chosen = parser.parse_args()
    from families import FAMILIES

    factories = [chosen.user] if chosen.user else [f"families:{one.__name__}" for one in FAMILIES]
    ways = tuple(chosen.ways.split(","))
    if "twind" not in ways or set(ways) - {*WAYS, *CEILINGS}:
        known = ", ".join((*WAYS[1:], *CEILINGS))
        parser.error(f"--ways {chosen.ways}: twind, and any of {known}")
    play(factories, chosen.people, chosen.days, chosen.seed, chosen.train, ways)


if __name__ == "__main__":
    main()
