"""What is measured on step times."""

from typing import ClassVar, Literal

from l2rw.analysis.style import name_of
from l2rw.claims.measures import Comparison, Measure, Measured, Missing, Tables


class Slowdown(Measure):
    """How many times as long a step takes by one way as by another, round by round."""

    test: Literal["slowdown"]
    way: str
    over: str
    unit: ClassVar[str] = "times"

    @property
    def needs(self) -> str:
        """See :attr:`Measure.needs`."""
        return "bench"

    def comparisons(self, tables: Tables) -> list[Comparison]:
        """See :meth:`Measure.comparisons`."""
        networks = self._table(tables).drop_duplicates("cell")
        return [
            Comparison(f"{name_of(network)}, {self.way} / {self.over}", (cell,))
            for network, cell in zip(networks["model"], networks["cell"], strict=True)
        ]

    def measure(self, comparison: Comparison, tables: Tables) -> Measured:
        """Divide by SGD in its faster memory format."""
        table = self._table(tables)
        lines = table[table["cell"] == comparison.cells[0]]
        ms = lines.pivot(index="round", columns="way", values="ms")
        formats = [way for way in (self.over, f"{self.over}, contiguous") if way in ms]
        if self.way not in ms or not formats:
            raise Missing(f"bench, {self.way} and {self.over}")
        fastest = ms[formats].median().idxmin()
        # A clock is disturbed now and then, and by much: means would tell of that.
        return Measured((ms[self.way] / ms[fastest]).to_numpy(), "median")
