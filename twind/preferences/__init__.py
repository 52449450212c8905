"""What the user values. Pure: no database, no settings, no clock; its only files are its own data.

`Posterior` and `fit_prior` are usable on their own, on features of any dimension; `Belief` gives
the parameters their names.
"""

from twind.preferences.belief import Belief
from twind.preferences.observations import Observation
from twind.preferences.population import fit_prior
from twind.preferences.posterior import Posterior

__all__ = ["Belief", "Observation", "Posterior", "fit_prior"]
