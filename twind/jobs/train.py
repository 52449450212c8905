"""Fine-tune the twin on the life as it is now, and let the best of the field serve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stable_baselines3.common.callbacks import BaseCallback

from twind import asking
from twind.rl.trainer import DigitalTwinTrainer
from twind.store import models

if TYPE_CHECKING:
    from twind.jobs.work import Work
    from twind.rl.ppo import TwinPPO


class _Progress(BaseCallback):
    """Tells how far the training is, after each rollout."""

    def __init__(self, work: Work, total: int) -> None:
        super().__init__()
        self._work = work
        self._total = total

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        self._work.progress({"timesteps": self.num_timesteps, "of": self._total})


def run(work: Work) -> dict[str, Any]:
    """Train; args: "timesteps" (default: settings), "seed".

    Returns {"model": {"id", "kind", "score"}, "serving", "field", "timesteps", "seconds"}.
    """
    asking.seed(work.reader())
    work.mend()
    timesteps = int(work.args.get("timesteps") or work.settings.training.timesteps)
    trainer = DigitalTwinTrainer(
        work.db,
        work.profile_id,
        configuration=work.settings,
        clock=work.clock,
        models_dir=work.home.models_dir,
    )
    due = models.training_due(work.db)
    told: dict[str, Any] = {}

    def finish(agent: TwinPPO) -> None:
        """Be done in the transaction that stores the model: hours are not spent on it twice."""
        if models.training_due(work.db) == due:  # else something has moved meanwhile
            models.set_training_due(work.db, None)
        told.update(work.finish(_told(work, trainer, agent)))

    trainer.train(
        timesteps,
        seed=int(work.args.get("seed", 0)),
        progress=False,
        threads=work.settings.training.threads,
        callback=_Progress(work, timesteps),
        on_kept=finish,
    )
    return told


def _told(work: Work, trainer: DigitalTwinTrainer, agent: TwinPPO) -> dict[str, Any]:
    trained = models.last_training(work.db, work.profile_id)
    serving = models.serving(work.db, work.profile_id)
    assert trained is not None
    assert trainer.report is not None
    return {
        "model": {"id": trained.id, "kind": trained.kind, "score": trained.score},
        "serving": serving.kind if serving else trainer.report.winner,
        "field": trained.report["field"],
        "timesteps": agent.num_timesteps,
        "seconds": trainer.seconds,
    }
