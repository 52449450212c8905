"""What twind believes about one person: a posterior whose parameters have names.

Parameters, in this order:

- the 75 aspects, by code. Prior mean 0 but for POPULATION_MEANS, sd 0.5: an hour that fully means
  the aspect is worth, for two people in three, between half an hour less and half an hour more than
  a neutral one. Aspects of one dimension correlate by 0.2, opposites by -0.2.
- `part:alignment`, `part:energy`, `part:relationships`, `part:progress`: the weight of each part of
  the reward; 1 for the average person, sd 0.3.
- `attribute:NAME`: what a proposed hour of an attribute of the feature map is worth beyond what its
  aspects say; mean 0, sd 0.3. Nobody's days are worth just what a model makes of their tastes; only
  what they say to proposals tells what is left.
- `person:ID`, `project:ID`: what an hour with this person or on this project is worth beyond what
  its aspects say; mean 0, sd 0.4. They come and go with the data.

All prior numbers are assumed, not fitted.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from twind.errors import ModelError
from twind.model import Pattern
from twind.preferences import catalogue, features
from twind.preferences.observations import (
    NOISE,
    Binary,
    Change,
    Choice,
    Indifferent,
    Linear,
    Observation,
    Ordinal,
    Preference,
    names_in,
)
from twind.preferences.posterior import HALF_LIFE_DAYS, Posterior

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from numpy.typing import NDArray

ASPECT_SD = 0.5
PART_MEAN, PART_SD = 1.0, 0.3
ATTRIBUTE_SD = 0.3
AFFINITY_SD = 0.4
SIBLINGS = 0.2
"""Correlation of two aspects of one dimension: an interest in one goes with the other, mildly."""

POPULATION_MEANS: dict[str, float] = {
    "REL_TRUST": 0.2,
    "REL_INTIMACY": 0.2,
    "MEN_CALM": 0.1,
    "MEN_JOY": 0.2,
    "HEA_SLEEP": 0.2,
    "HEA_PHYSICAL_ACTIVITY": 0.1,
    "PHY_NATURE": 0.1,
    "SPI_MEANING": 0.1,
}
"""What almost everybody enjoys: in day-reconstruction studies (Kahneman et al., Science 2004)
people rate time with friends and family, rest and exercise above their average hour, and short
sleep spoils a day. The sizes here are assumed, and small."""

OPPOSITES = frozenset(
    frozenset(pair)
    for pair in (
        ("WOR_SOLO", "WOR_COLLABORATIVE"),
        ("WOR_DEEP_WORK", "WOR_MULTITASKING"),
        ("VAL_FREEDOM", "VAL_SECURITY"),
        ("LEA_THEORETICAL", "LEA_PRACTICAL"),
        ("DEC_RATIONAL", "DEC_INTUITIVE"),
        ("DEC_DATA_DRIVEN", "DEC_IMPULSIVE"),
        ("DEC_RISK_AVERSE", "DEC_IMPULSIVE"),
        ("TIM_PLANNING", "TIM_SPONTANEITY"),
        ("TIM_PLANNING", "TIM_PROCRASTINATION"),
        ("TIM_PUNCTUALITY", "TIM_PROCRASTINATION"),
        ("COM_DIRECT", "COM_DIPLOMATIC"),
        ("COM_VERBAL", "COM_WRITTEN"),
        ("PHY_MINIMALISM", "PHY_CHAOS"),
        ("PHY_NATURE", "PHY_URBAN"),
        ("MEN_CALM", "MEN_ANXIETY"),
        ("MEN_FOCUS", "MEN_ANXIETY"),
        ("MEN_RESILIENCE", "MEN_ANXIETY"),
        ("FIN_SAVING", "FIN_SPENDING"),
        ("SOC_EXTROVERT", "SOC_INTROVERT"),
    )
)

ATTRIBUTE_NAMES = tuple(f"attribute:{name}" for name in features.ATTRIBUTES)

_STRONGEST = 10
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Influence:
    """How far one piece of evidence moved a parameter's mean."""

    key: str
    shift: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is believed about one parameter and why.

    `strongest`: the ten pieces of evidence that moved it most when they came in, the most first.
    """

    name: str
    mean: float
    sd: float
    prior_mean: float
    prior_sd: float
    confidence: float
    evidence_count: int
    strongest: tuple[Influence, ...]


@dataclass(slots=True)
class _Trace:
    """The evidence one parameter has seen. least: a smaller shift is none of the strongest."""

    count: int = 0
    strongest: list[Influence] = field(default_factory=list)
    least: float = 0.0

    def add(self, key: str, shift: float) -> None:
        self.count += 1
        # Most evidence moves little, and is none of the strongest.
        if abs(shift) < self.least:
            return
        self.strongest.append(Influence(key, shift))
        self.strongest.sort(key=lambda seen: (-abs(seen.shift), seen.key))
        del self.strongest[_STRONGEST:]
        if len(self.strongest) == _STRONGEST:
            self.least = abs(self.strongest[-1].shift)


class Belief:
    """Names and a posterior over them.

    Attributes:
        names: what each parameter stands for, in the posterior's order.
        posterior: mean and covariance.

    """

    def __init__(self, names: tuple[str, ...], posterior: Posterior) -> None:
        """Name the parameters of `posterior`; what it holds is taken as the prior's confidence.

        Raises ValueError where names are doubled or not as many as parameters.
        """
        if len(set(names)) != len(names) or len(names) != posterior.mean.shape[0]:
            raise ValueError("names: must be distinct, one for each parameter")
        self.names = names
        self.posterior = posterior
        self._place = {name: place for place, name in enumerate(names)}
        self._traces: dict[str, _Trace] = {}
        self._reference = np.array([_prior_sd(name) ** 2 for name in names])

    @classmethod
    def prior(
        cls,
        people_ids: Iterable[int] = (),
        project_ids: Iterable[int] = (),
        earlier: Mapping[str, tuple[float, float]] | None = None,
        unknown: Collection[str] = (),
    ) -> Belief:
        """Return what is believed before any evidence of twind's own.

        earlier: {code: (strength -1..1, confidence 0..1)}, patterns of a database made elsewhere.
        They become the prior: strength as its mean, and a variance smaller by the confidence (at
        most by 95 %, so that one can still change one's mind). Codes that are no aspect, numbers
        that are not finite and confidences of 0 are passed over. unknown: codes of which not even
        what is true of most people is to be assumed: mean 0, and told of by no other aspect.
        """
        codes = tuple(aspect.code for aspect in catalogue.aspects())
        names = (
            *codes,
            *(f"part:{part}" for part in features.PARTS),
            *ATTRIBUTE_NAMES,
            *(f"person:{id_}" for id_ in sorted(set(people_ids))),
            *(f"project:{id_}" for id_ in sorted(set(project_ids))),
        )
        mean = np.array([0.0 if name in unknown else _prior_mean(name) for name in names])
        sd = np.array([_prior_sd(name) for name in names])
        correlation = np.eye(len(names))
        for dimension in catalogue.dimensions():
            members = [aspect.code for aspect in dimension.aspects]
            for one in members:
                for other in members:
                    if one != other and not {one, other} & set(unknown):
                        sign = -1.0 if frozenset((one, other)) in OPPOSITES else 1.0
                        correlation[codes.index(one), codes.index(other)] = sign * SIBLINGS
        for code, (strength, confidence) in (earlier or {}).items():
            known = catalogue.index_of().get(code)
            told = math.isfinite(strength) and confidence > 0.0 and code not in unknown
            if known is None or not told:
                continue
            mean[known] = min(max(strength, -1.0), 1.0)
            sd[known] *= math.sqrt(1.0 - min(confidence, 0.95))
        return cls(names, Posterior(mean, correlation * np.outer(sd, sd)))

    def copy(self) -> Belief:
        """Return an independent copy."""
        other = Belief(self.names, self.posterior.copy())
        other._traces = {
            name: replace(trace, strongest=list(trace.strongest))
            for name, trace in self._traces.items()
        }
        return other

    # --- parameters -------------------------------------------------------------------------------

    def __contains__(self, name: object) -> bool:
        return name in self._place

    def place(self, name: str) -> int | None:
        """Return a parameter's place in the posterior, None when there is no such parameter."""
        return self._place.get(name)

    def vector(self, weights: Mapping[str, float]) -> NDArray[np.float64]:
        """Return sparse features as a vector over all parameters, (d,).

        Names that are no parameter (a person since deleted, an aspect of some other catalogue) are
        passed over.
        """
        row: NDArray[np.float64] = self._matrix((weights,))[0]
        return row

    def _matrix(self, options: Sequence[Mapping[str, float]]) -> NDArray[np.float64]:
        """Return several sparse features as vectors, (k, d)."""
        width, place = len(self.names), self._place
        cells: dict[int, float] = {}
        for row, weights in enumerate(options):
            first = row * width
            for name, weight in weights.items():
                if (column := place.get(name)) is not None:
                    cells[first + column] = weight
        rows = np.zeros(len(options) * width)
        rows[list(cells)] = list(cells.values())
        return rows.reshape(len(options), width)

    def worth(self, weights: Mapping[str, float]) -> tuple[float, float]:
        """Return the mean and the standard deviation of what sparse features are worth."""
        row = self.vector(weights)
        return float(row @ self.posterior.mean), float(self.posterior.sd(row[None])[0])

    def mean_of(self, name: str) -> float:
        """Return a parameter's mean; KeyError when there is no such parameter."""
        return float(self.posterior.mean[self._place[name]])

    def sd_of(self, name: str) -> float:
        """Return a parameter's standard deviation; KeyError when there is no such parameter."""
        place = self._place[name]
        return math.sqrt(float(self.posterior.covariance[place, place]))

    def strength(self, code: str) -> float:
        """Return the posterior mean, clipped to [-1, 1]."""
        return min(max(self.mean_of(code), -1.0), 1.0)

    def confidence(self, code: str) -> float:
        """Return the share of the population's variance that is gone, 0..1.

        What an `earlier` pattern was sure of counts: it begins at that pattern's confidence.
        """
        place = self._place[code]
        left = float(self.posterior.covariance[place, place]) / float(self._reference[place])
        return min(max(1.0 - left, 0.0), 1.0)

    def strengths(self) -> NDArray[np.float64]:
        """Return the 75 aspects' means, in the order of catalogue.aspects()."""
        return self.posterior.mean[: len(catalogue.aspects())].copy()

    def parts(self) -> NDArray[np.float64]:
        """Return the mean weights of the four parts of the reward, (4,)."""
        return self.posterior.mean[[self._place[f"part:{part}"] for part in features.PARTS]]

    def _beyond(self) -> NDArray[np.float64]:
        """Return what an hour of each attribute is worth beyond its aspects, (23,).

        Nothing, in a belief that was kept by an older twind.
        """
        return np.array(
            [self.mean_of(name) if name in self else 0.0 for name in ATTRIBUTE_NAMES], np.float64
        )

    def extend(self, names: Iterable[str]) -> None:
        """Take in new people and projects (`person:ID`, `project:ID`) at their prior.

        Names already there are passed over; any other kind raises ValueError.
        """
        new = tuple(name for name in dict.fromkeys(names) if name not in self._place)
        if not new:
            return
        if strange := [name for name in new if not _is_affinity(name)]:
            raise ValueError(f"names: {strange[0]!r} is neither a person nor a project")
        old, posterior = len(self.names), self.posterior

        def grown(mean: NDArray[np.float64], covariance: NDArray[np.float64]) -> Posterior:
            size = old + len(new)
            wide = np.eye(size) * AFFINITY_SD**2
            wide[:old, :old] = covariance
            return Posterior(np.concatenate([mean, np.zeros(len(new))]), wide)

        prior = grown(posterior.prior_mean, posterior.prior_covariance)
        self.posterior = grown(posterior.mean, posterior.covariance)
        self.posterior.prior_mean, self.posterior.prior_covariance = (
            prior.mean,
            prior.covariance,
        )
        self.names += new
        self._place = {name: place for place, name in enumerate(self.names)}
        self._reference = np.array([_prior_sd(name) ** 2 for name in self.names])

    # --- evidence ---------------------------------------------------------------------------------

    def update(self, observation: Observation) -> dict[str, float]:
        """Learn from one piece of evidence; return how far it moved each parameter it speaks of.

        People and projects not yet known are taken in. Raises ValueError for evidence that is not
        finite.
        """
        spoken = names_in(observation.likelihood)
        self.take_in(spoken)
        known = [name for name in spoken if name in self._place]
        if not known:
            return {}
        places = [self._place[name] for name in known]
        before = self.posterior.mean[places]
        self._apply(observation)
        moved = (self.posterior.mean[places] - before).tolist()
        shifts: dict[str, float] = dict(zip(known, moved, strict=True))
        for name, shift in shifts.items():
            self._traces.setdefault(name, _Trace()).add(observation.key, shift)
        return shifts

    def learn(
        self,
        observations: Iterable[Observation],
        until: datetime | None = None,
        half_life_days: float = HALF_LIFE_DAYS,
        *,
        since: datetime | None = None,
    ) -> None:
        """Learn from all of them in the order of time, forgetting in between.

        until: the present, so that what is long ago has faded by now; evidence dated after it is
        taken as of then. since: the time up to which this belief has faded already, None for one
        that has learnt nothing.
        """
        last = since
        for seen in sorted(observations, key=lambda one: (one.at, one.key)):
            at = seen.at if until is None else min(seen.at, until)
            if last is not None:
                self.fade(last, at, half_life_days)
            last = at
            self.update(seen)
        if last is not None and until is not None:
            self.fade(last, until, half_life_days)

    def let_go(self, names: Iterable[str], kept: float) -> None:
        """Let go of what is known of some parameters, all but `kept`, 0..1, of it."""
        self.posterior.widen([self._place[name] for name in names if name in self._place], kept)

    def fade(self, then: datetime, now: datetime, half_life_days: float = HALF_LIFE_DAYS) -> None:
        """Forget as much as is forgotten from one time to another; nothing back in time."""
        days = (now - then).total_seconds() / 86_400.0
        if days > 0.0:
            self.posterior.forget(days, half_life_days=half_life_days)

    def foretell(self, observation: Observation) -> float | None:
        """Return how likely a piece of evidence was thought to be, 0..1; None where none is.

        That of a measured value, of indifference or of a change is not. People and projects not yet
        known are taken in.
        """
        self.take_in(names_in(observation.likelihood))
        slope, posterior = NOISE[observation.kind].slope, self.posterior
        match observation.likelihood:
            case Choice(options, chosen, offsets):
                rows = slope * self._matrix(options)
                return float(posterior.predict_choice(rows, offsets or None)[chosen])
            case Preference(better, worse):
                row = slope * (self.vector(better) - self.vector(worse))
                return posterior.predict_binary(row)
            case Binary(features, outcome, offset):
                yes = posterior.predict_binary(slope * self.vector(features), offset)
                return yes if outcome else 1.0 - yes
            case Ordinal(features, level, cuts):
                row = slope * self.vector(features)
                return float(posterior.predict_ordinal(row, slope * np.asarray(cuts))[level])
        return None

    def take_in(self, spoken: Iterable[str]) -> None:
        """Take in those people and projects among these names that are not yet known."""
        if new := [name for name in spoken if name not in self._place]:
            self.extend(name for name in new if _is_affinity(name))

    def _apply(self, observation: Observation) -> None:
        noise = NOISE[observation.kind]
        weight = noise.weight * observation.weight
        posterior, seen = self.posterior, observation.likelihood
        if isinstance(seen, Choice):
            rows = noise.slope * self._matrix(seen.options)
            posterior.update_choice(rows, seen.chosen, weight, seen.offsets or None)
        elif isinstance(seen, Preference):
            posterior.update_preference(
                noise.slope * self.vector(seen.better),
                noise.slope * self.vector(seen.worse),
                weight,
            )
        elif isinstance(seen, Ordinal):
            cuts = noise.slope * np.asarray(seen.cuts)
            row = noise.slope * self.vector(seen.features)
            posterior.update_ordinal(row, seen.level, cuts, weight)
        elif isinstance(seen, Binary):
            row = noise.slope * self.vector(seen.features)
            posterior.update_binary(row, seen.outcome, seen.offset, weight)
        elif isinstance(seen, Linear):
            self._apply_linear(self.vector(seen.features), seen.value, seen.noise_sd, weight)
        elif isinstance(seen, Change):
            self.let_go(seen.names, seen.kept)
        else:
            self._apply_indifference(seen, weight)

    def _apply_linear(
        self, row: NDArray[np.float64], value: float, noise_sd: float, weight: float
    ) -> None:
        # Half the weight is twice the variance: the same halving of the log-likelihood.
        if weight > 0.0:
            self.posterior.update_linear(row, value, noise_sd / math.sqrt(weight))

    def _apply_indifference(self, seen: Indifferent, weight: float) -> None:
        options = self._matrix(seen.options)
        differences = options[1:] - options[0]
        for row in differences:
            # Spread over all differences, so that more options do not make a shrug speak louder.
            self._apply_linear(row, 0.0, seen.noise_sd, weight / len(differences))

    # --- what it comes to -------------------------------------------------------------------------

    def patterns(self, impact: Mapping[str, float] | None = None) -> list[Pattern]:
        """Return the belief's face: one pattern an aspect, in the catalogue's order.

        impact: by code, what a planner found; where there is none, how far the strongest
        attribute's hour (of a value) or effect (of a trait) would move if the aspect went back to
        the population's mean, 0..1.
        """
        by_attribute = np.abs(features.meaning()).max(axis=0)
        by_effect = np.abs(features.effects()).max(axis=1)
        found = []
        for place, aspect in enumerate(catalogue.aspects()):
            reach = by_attribute[place] if aspect.kind == "value" else by_effect[place]
            away = abs(self.mean_of(aspect.code) - _prior_mean(aspect.code))
            trace = self._traces.get(aspect.code, _Trace())
            found.append(
                Pattern(
                    dimension=aspect.dimension,
                    aspect=aspect.name,
                    code=aspect.code,
                    strength=self.strength(aspect.code),
                    confidence=self.confidence(aspect.code),
                    evidence_count=trace.count,
                    impact=(impact or {}).get(aspect.code, min(away * float(reach), 1.0)),
                    pattern_type="behavioral" if aspect.kind == "trait" else "preference",
                )
            )
        return found

    def explain(self, name: str) -> Explanation:
        """Return what is believed about a parameter and the evidence that moved it most.

        Raises KeyError when there is no such parameter.
        """
        place = self._place[name]
        trace = self._traces.get(name, _Trace())
        posterior = self.posterior
        return Explanation(
            name=name,
            mean=self.mean_of(name),
            sd=self.sd_of(name),
            prior_mean=float(posterior.prior_mean[place]),
            prior_sd=math.sqrt(float(posterior.prior_covariance[place, place])),
            confidence=self.confidence(name),
            evidence_count=trace.count,
            strongest=tuple(trace.strongest),
        )

    def distance(self, other: Belief) -> float:
        """Return how far the reward lies from the other belief's, 0 for none.

        The greater of two root mean squares, both in prior standard deviations: over what an hour
        of each attribute is worth and the parts' weights; over the affinities that both know. On
        this scale 0.5, half a standard deviation on the whole, means: train again.
        """
        matrix = features.meaning() * features.rewarded()
        prior = np.square(matrix) @ self._reference[: matrix.shape[1]] + ATTRIBUTE_SD**2
        moved = matrix @ (self.strengths() - other.strengths()) + self._beyond() - other._beyond()
        parts = (self.parts() - other.parts()) / PART_SD
        worth = np.concatenate([moved / np.sqrt(prior), parts])
        shared = [name for name in self.names if _is_affinity(name) and name in other]
        affinities = np.array([self.mean_of(name) - other.mean_of(name) for name in shared])
        return max(_rms(worth), _rms(affinities / AFFINITY_SD))

    # --- keeping ----------------------------------------------------------------------------------

    def to_bytes(self) -> bytes:
        """Return the belief as safetensors: equal beliefs give equal bytes."""
        about = {
            "format": _FORMAT,
            "names": self.names,
            "traces": {
                name: [trace.count, [[seen.key, seen.shift] for seen in trace.strongest]]
                for name, trace in sorted(self._traces.items())
            },
        }
        packed = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
        posterior = self.posterior
        data: bytes = save(
            {
                "about": packed,
                "mean": posterior.mean,
                "covariance": np.ascontiguousarray(posterior.covariance),
                "prior_mean": posterior.prior_mean,
                "prior_covariance": np.ascontiguousarray(posterior.prior_covariance),
            }
        )
        return data

    @classmethod
    def from_bytes(cls, data: bytes) -> Belief:
        """Return the belief that `to_bytes` wrote; ModelError when these bytes hold none."""
        try:
            arrays: dict[str, NDArray[Any]] = load(data)
            about = json.loads(arrays["about"].tobytes())
            if about["format"] != _FORMAT:
                raise ModelError(f"the stored belief has format {about['format']}, not {_FORMAT}")
            prior = Posterior(arrays["prior_mean"], arrays["prior_covariance"])
            posterior = Posterior(arrays["mean"], arrays["covariance"])
            posterior.prior_mean = prior.mean
            posterior.prior_covariance = prior.covariance
            belief = cls(tuple(about["names"]), posterior)
            belief._traces = {
                name: _Trace(count, [Influence(key, shift) for key, shift in strongest])
                for name, (count, strongest) in about["traces"].items()
            }
        except (SafetensorError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"the stored belief is damaged: {error}") from error
        return belief


def _prior_mean(name: str) -> float:
    return PART_MEAN if name.startswith("part:") else POPULATION_MEANS.get(name, 0.0)


def _prior_sd(name: str) -> float:
    if name.startswith("part:"):
        return PART_SD
    if name in ATTRIBUTE_NAMES:
        return ATTRIBUTE_SD
    return AFFINITY_SD if _is_affinity(name) else ASPECT_SD


def _is_affinity(name: str) -> bool:
    return name.startswith(("person:", "project:"))


def _rms(values: NDArray[np.float64]) -> float:
    return math.sqrt(float(np.mean(values**2))) if values.size else 0.0
