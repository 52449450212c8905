"""`DigitalTwinTrainer`: from a database to a trained twin, and into service if it deserves it."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from twind import evidence
from twind.clock import monotonic_s
from twind.errors import ModelError
from twind.home import Home
from twind.rl import reviews, weights
from twind.rl.candidates import unvarying
from twind.rl.contest import NOTHING, SEARCH, contest
from twind.rl.evaluate import Report, gate
from twind.rl.pipeline import DataPipeline
from twind.rl.policy import fresh_policy, torch_threads
from twind.rl.rules import RULES
from twind.rl.train import fine_tune, new_policy
from twind.store import models, profiles

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from stable_baselines3.common.type_aliases import MaybeCallback

    from twind.clock import Clock
    from twind.rl.candidates import Guide
    from twind.rl.policy import TwinPolicy
    from twind.rl.ppo import TwinPPO
    from twind.rl.snapshot import Snapshot
    from twind.settings import TwindSettings
    from twind.store import Store

NETWORK = "ppo"
BASE = "base"
IN_SERVICE = "in service"
STAND_IN = "greedy"
"""The rule that does the base policy's work where that cannot be read: what it was trained from."""
KEPT_FILES = 5
WORSE_ON_REVIEWS = "it thinks less well of what you accepted in reviews it was not told of"

log = logging.getLogger("twind.train")


class _Known(NamedTuple):
    """What a training starts from, as `jobs.detect` measures by how much it has moved since.

    belief: of all reviews, the withheld ones too, for that is what `detect` has; as bytes. world:
    as evidence.world has it.
    """

    belief: bytes
    world: str


class DigitalTwinTrainer:
    """Trains one profile's twin.

        db = sqlite3.connect("personal_learning.db")
        agent = DigitalTwinTrainer(db, profile_id=1).train(total_timesteps=100000)

    Args:
        db: a plain `sqlite3` connection, or a Store. It gains twind's tables and loses nothing.
        profile_id: the row in `profile`.
        configuration: hours and time zone; the defaults unless given.
        clock: the time.
        models_dir: where weights go; default: `models` beside the database, or in the state folder
            for a database in memory.

    """

    def __init__(
        self,
        db: sqlite3.Connection | Store,
        profile_id: int = 1,
        *,
        configuration: TwindSettings | None = None,
        clock: Clock | None = None,
        models_dir: Path | None = None,
    ) -> None:
        self.pipeline = DataPipeline(db, configuration, clock)
        self.store = self.pipeline.store
        self.profile_id = profile_id
        file = self.store.file
        beside = Path(file).parent / "models" if file else Home.find().models_dir
        self.models_dir = models_dir or beside
        self.report: Report | None = None
        self.seconds = 0.0

    def train(
        self,
        total_timesteps: int = 100_000,
        *,
        seed: int = 0,
        progress: bool | None = None,
        threads: int | None = 1,
        callback: MaybeCallback = None,
        on_kept: Callable[[TwinPPO], object] = lambda _: None,
    ) -> TwinPPO:
        """Fine-tune from the weights in service, else the newest; let the best of the field serve.

        Returns the trained `PPO`, whether or not it goes into service; `report` says how it did.
        progress: whether to draw a bar; by default on a terminal. threads: a bound on torch's, see
        `fine_tune`. on_kept: called in the transaction that stores the model, once all of it is
        stored; what it raises undoes it. Raises EmptyProfileError, naming what to do, for a profile
        that holds nothing.
        """
        began = monotonic_s()
        known = self._known()
        snapshot = self.pipeline.snapshot(self.profile_id, withhold_reviews=True)
        parent, start = self._start(seed)
        with torch_threads(threads):
            agent = fine_tune(
                snapshot,
                start=start,
                total_timesteps=total_timesteps,
                seed=seed,
                progress=_on_a_terminal() if progress is None else progress,
                threads=threads,
                callback=callback,
            )
            self.report = self._compete(snapshot, agent, start, seed)
        self.seconds = monotonic_s() - began
        self._keep(agent, parent, self.report, known, on_kept)
        return agent

    def _known(self) -> _Known:
        """Return what to record: taken before the snapshot, so that what comes later is news."""
        reader = self.pipeline.reader(self.profile_id)
        return _Known(evidence.believe(reader).to_bytes(), evidence.world(reader))

    # --- where it starts from --------------------------------------------------------------------

    @cached_property
    def _base(self) -> TwinPolicy | None:
        return _base_policy()

    def _start(self, seed: int = 0) -> tuple[models.ModelRow | None, TwinPolicy]:
        """Return the good weights that serve, else the newest; a bad file is put aside and told.

        Without any the base policy is where it starts; without that, a network that has learnt
        nothing.
        """
        while (newest := models.newest_network(self.store, self.profile_id)) is not None:
            assert newest.file is not None
            try:
                return newest, new_policy(self.models_dir / newest.file, newest.sha256)
            except ModelError as error:
                log.warning("%s; going back to the model before it", error)
                models.reject(self.store, newest.id)
        return None, self._base or fresh_policy(seed)

    # --- the gate --------------------------------------------------------------------------------

    def _compete(self, snapshot: Snapshot, agent: TwinPPO, start: TwinPolicy, seed: int) -> Report:
        serving = models.serving(self.store, self.profile_id)
        networks = {NETWORK: agent.policy, **({BASE: self._base} if self._base else {})}
        in_service = serving.kind if serving else BASE
        if in_service == NETWORK:
            in_service = IN_SERVICE
            networks[in_service] = start
        elif in_service not in {*networks, *RULES}:
            in_service = BASE if self._base else STAND_IN
        field = {**{name: network.choose for name, network in networks.items()}, **RULES}
        report = gate([snapshot], field, candidate=NETWORK, in_service=in_service, seed=seed + 1)
        if report.winner == NETWORK and self._is_worse_on_reviews(agent, start):
            report = replace(report, winner=in_service, because=WORSE_ON_REVIEWS)
        best = report.winner
        guide = networks[best].drawing if best in networks else unvarying(RULES[best])
        verdict = contest(snapshot, best, guide, seed=seed + 2)
        return replace(
            report,
            winner=verdict.winner,
            plans=verdict.scores,
            differences=(*report.differences, *verdict.differences),
        )

    def _is_worse_on_reviews(self, agent: TwinPPO, start: TwinPolicy) -> bool:
        """Tell whether the user's own withheld reviews speak against the candidate."""
        told = reviews.withheld(self.store, self.profile_id)
        return told is not None and reviews.is_worse(agent.policy, start, told)

    def _keep(
        self,
        agent: TwinPPO,
        parent: models.ModelRow | None,
        report: Report,
        known: _Known,
        on_kept: Callable[[TwinPPO], object],
    ) -> None:
        """Write the weights, then the rows that name them: never a row without its file."""
        moment = self.store.clock.now()
        name = f"{NETWORK}-{self.profile_id}-{moment:%Y%m%dT%H%M%S%f}.safetensors"
        sha256 = weights.save(agent.policy, self.models_dir / name)
        try:
            with self.store.transaction():
                self._record(agent, parent, report, known, name, sha256)
                on_kept(agent)
        except BaseException:
            (self.models_dir / name).unlink(missing_ok=True)
            raise
        self._tidy()

    def _record(
        self,
        agent: TwinPPO,
        parent: models.ModelRow | None,
        report: Report,
        known: _Known,
        file: str,
        sha256: str,
    ) -> None:
        about: dict[str, Any] = {
            "field": [
                {"name": s.name, "mean": s.mean, "low": s.low, "high": s.high}
                for s in report.scores
            ],
            **report.as_json(),
        }
        profiles.ensure(self.store, self.profile_id)
        models.put(
            self.store,
            self.profile_id,
            kind=NETWORK,
            state="serving" if report.winner == NETWORK else "retired",
            file=file,
            sha256=sha256,
            parent_id=parent.id if parent else None,
            timesteps=agent.num_timesteps,
            score=report.score(NETWORK).mean,
            report=about,
            belief=known.belief,
            world=known.world,
        )
        serving = models.serving(self.store, self.profile_id)
        if report.winner not in {NETWORK, IN_SERVICE} and (
            serving is None or serving.kind != report.winner
        ):
            models.put(
                self.store,
                self.profile_id,
                kind=report.winner,
                state="serving",
                score=_score_of(report, report.winner),
                report=about,
            )

    def _tidy(self) -> None:
        """Delete weights that neither serve nor are among the newest."""
        for file in models.obsolete_files(self.store, self.profile_id, KEPT_FILES):
            (self.models_dir / file).unlink(missing_ok=True)


class Serving(NamedTuple):
    """What serves now.

    Attributes:
        name: as it is told: "ppo", "base", the name of a rule, "search" or "nothing".
        model_id: its row in `models`, if it has one.
        guide: of the planner; None where that does better by itself.
        silent: whether it has turned out best to propose nothing.

    """

    name: str
    model_id: int | None
    guide: Guide | None
    silent: bool = False

    @property
    def known_as(self) -> str:
        """Its name, with its row where it has one."""
        return self.name if self.model_id is None else f"{self.name} {self.model_id}"


def serving_choice(store: Store, profile_id: int, models_dir: Path) -> Serving:
    """Return what serves now.

    Before any training that is the base policy, and so it is when the weights in service are
    damaged: those before them have lost to what came after. Where the base policy's own file is of
    no use, the greedy rule stands in.
    """
    serving = models.serving(store, profile_id)
    if serving is not None and serving.kind in {SEARCH, NOTHING}:
        return Serving(serving.kind, serving.id, None, silent=serving.kind == NOTHING)
    if serving is not None and serving.kind in RULES:
        return Serving(serving.kind, serving.id, unvarying(RULES[serving.kind]))
    if serving is not None and serving.kind == NETWORK:
        assert serving.file is not None
        try:
            policy = new_policy(models_dir / serving.file, serving.sha256)
        except ModelError as error:
            log.warning("%s; the base policy serves instead", error)
            models.reject(store, serving.id)
        else:
            return Serving(NETWORK, serving.id, policy.drawing)
    base = _base_policy()
    if base is None:
        return Serving(f"{STAND_IN} rule", None, unvarying(RULES[STAND_IN]))
    return Serving(BASE, None, base.drawing)


def _score_of(report: Report, name: str) -> float | None:
    """Return a contestant's mean return, of days it lived or else of those it planned."""
    scores = (*report.scores, *report.plans)
    return next((score.mean for score in scores if score.name == name), None)


def _base_policy() -> TwinPolicy | None:
    """Return the policy that ships, or None, telling why, where its file is of no use."""
    try:
        return new_policy()
    except ModelError as error:
        log.warning("%s; the %s rule stands in for the base policy", error, STAND_IN)
        return None


def _on_a_terminal() -> bool:
    import sys

    return sys.stderr.isatty()
