"""Our own chain: the tables of one domain that the hand-written ones have, built by the runner that `make run` uses."""

from tests.bench.clock import Laps
from tests.bench.peers.equal import CHAINS


def build(chain: str, audited: bool, laps: Laps | None = None) -> tuple[float, dict[str, int]]:
    """Build a chain in the lake that the settings name; wall seconds of audits, and readings by fate.

    Audits are left out here only, by replacing them.

    `laps` (one table at a time, LAKE_PARALLEL_TABLES=1) gets what each table took.
    """
    from pipelines import run
    from pipelines.publish import Audited, Publisher

    class Unaudited(Publisher):
        """Publishes without a look: no product would."""

        def audit(self, plan: object, staged: object) -> Audited:
            return Audited({}, {})

    class Runner(run.Runner):
        """The runner, with or without audits."""

        def _publisher(self) -> Publisher:
            made = super()._publisher()
            return made if audited else Unaudited(made.catalog, made.lake, made.audit_rows_in_pandas, made.waivers)

    def told(line: str) -> None:
        if laps and (line.endswith(" s)") or " s) - " in line):
            laps.lap(line.partition(":")[0])

    runner = Runner(progress=told)
    wanted = {*CHAINS[chain].values(), "bronze_lake__calendar"}
    wanted |= {name for table in list(wanted) for name in runner.catalog.parents(runner.catalog[table])}
    results = runner.run(t for t in runner.catalog.buildable if t.name in wanted)
    if bad := [f"{r.table}: {r.message}" for r in results if r.is_bad]:
        raise SystemExit("\n".join(bad))
    (readings,) = (r for r in results if r.table in ("silver_refrigeration__readings", "silver_fleet__telemetry"))
    return sum(r.audit_seconds for r in results), {f: n for f, n in readings.fates.items() if n}
