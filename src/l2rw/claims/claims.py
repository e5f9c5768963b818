"""The paper's claims, from ``claims.yaml``."""

from importlib.resources import files
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator

from l2rw.claims.accuracy_measures import (
    AccuracyDifference,
    AccuracyDrop,
    DropAfterDecay,
    ZeroWeights,
)
from l2rw.claims.measures import Comparison, Tables
from l2rw.claims.theory_measures import Bound, Growths
from l2rw.claims.timing_measures import Slowdown

Part = Annotated[
    AccuracyDifference | AccuracyDrop | DropAfterDecay | ZeroWeights | Slowdown | Growths | Bound,
    Field(discriminator="test"),
]


class Claim(BaseModel):
    """A sentence that results can support or refute. Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    title: str
    where: str
    """Where the paper, or this project, says so."""
    says: str
    """What is claimed, in our own words."""
    ours: bool = False
    """Whether it is this project's, which is no evidence about the paper."""
    theorem: bool = False
    """Whether one failing part refutes it, whatever the others say."""
    shown_by: str | None = None
    """Experiment whose figure shows it."""
    departures: tuple[int, ...] = ()
    """Numbers of docs/deviations.md that matter for it."""
    parts: Annotated[tuple[Part, ...], Field(min_length=1)]

    @property
    def needs(self) -> list[str]:
        """The experiments that its parts are measured on, each once."""
        return list(dict.fromkeys(part.needs for part in self.parts))

    def comparisons(self, tables: Tables) -> list[tuple[Part, Comparison]]:
        """Return all that is measured; raise :class:`.measures.Missing` if something is missing."""
        return [(part, one) for part in self.parts for one in part.comparisons(tables)]


class _Claims(BaseModel):
    claims: tuple[Claim, ...]

    @field_validator("claims")
    @classmethod
    def _different(cls, claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
        ids = [claim.id for claim in claims]
        if repeated := {one for one in ids if ids.count(one) > 1}:
            raise ValueError(f"ids stand for several claims: {', '.join(sorted(repeated))}")
        return claims


def parse_claims(raw: Any) -> tuple[Claim, ...]:
    """Validate claims; raise :class:`pydantic.ValidationError` with the place of what is wrong."""
    return _Claims(claims=raw).claims


def claims() -> tuple[Claim, ...]:
    """Return the project's claims, those of the paper first."""
    return parse_claims(
        yaml.safe_load((files("l2rw.claims") / "claims.yaml").read_text(encoding="utf-8"))
    )
