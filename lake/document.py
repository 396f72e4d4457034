"""The data catalog as Markdown, from the declarations alone."""

from lake.catalog import Catalog
from lake.contract import Column, Feed, Read, Table

_KIND = {
    "dated": "dated: a partition depends on finitely many input partitions and is replaced as a whole",
    "snapshot": "snapshot: one partition, rebuilt whole when an input changed",
    "stateful": "stateful: a day builds on the table's own previous day; late data restates forward until the state converges",
    "ledger": "ledger: written once and never restated",
}
_PROSPECTIVE = "; made for the newest day only"


def document(catalog: Catalog) -> str:
    """The whole page."""
    contents = [f"- [`{t.name}`](#{t.name}): {_first(t.description)}" for t in catalog.tables.values()]
    return "\n".join([
        "# Data catalog", "",
        "Generated from the declarations by `python -m pipelines catalog`; `make test` fails when it is stale. Do not edit it.", "",
        "A silver or bronze partition `1900-01-01` holds rows whose day can't be read. Columns whose names begin with `_` say where a row",
        "came from; they never count when two versions of a partition are compared.", "",
        *contents, "", "# Feeds", "",
        "What mapping files (`lake/sources/*.yaml`) deliver to silver tables.", "",
        *(line for f in catalog.feeds.values() for line in feed_section(catalog, f)),
        "# Tables", "", *(line for t in catalog.tables.values() for line in section(catalog, t)),
    ]).rstrip() + "\n"  # fmt: skip


def feed_section(catalog: Catalog, feed: Feed) -> list[str]:
    """One feed: what it is, which sources feed it, its columns."""
    sources = ", ".join(f"`{s.files}` ({s.name})" for s in catalog.sources_of(feed.name)) or "no mapping file yet"
    return [f"## `{feed.name}`", "", feed.description, "", f"Fed by {sources}.", "", *_columns(feed.columns), ""]


def _reach(read: Read) -> str:
    looks = [f"{n} days {way}" for n, way in ((read.days_before, "back"), (read.days_after, "ahead")) if n]
    return f" ({', '.join(looks)})" if looks else ""


def section(catalog: Catalog, table: Table) -> list[str]:
    """One table: everything its users need to know to rely on it."""
    reads = [f"`{r.table}`" + _reach(r) for r in table.inputs]
    if source := catalog.source_of(table):
        reads = [f"files `{source.files}` in landing"]
    if table.kind == "stateful":
        reads.append("its own previous day")
    readers = [f"`{t.name}`" for t in catalog.tables.values() if table.name in catalog.parents(t)]
    facts = [
        f"- **Owner** {table.owner}", f"- **Grain** {table.grain}", f"- **Kind** {_KIND[table.kind]}{_PROSPECTIVE * table.prospective}",
        f"- **Key** {', '.join(f'`{k}`' for k in table.key)}",
        f"- **Partitions** {'by `' + table.partition + '`' if table.partition else 'none'}",
        f"- **Reads** {', '.join(reads) or 'nothing; the runner writes it'}",
    ]  # fmt: skip
    if readers:
        facts.append(f"- **Read by** {', '.join(readers)}")
    if table.siblings:
        facts.append(f"- **Published together with** {', '.join(f'`{s}`' for s in table.siblings)}")
    promises = [f"- {p.name} ({p.severity}): {p.sentence}" for p in table.promises]
    return [
        f'## <a id="{table.name}"></a>`{table.name}`', "", table.description, "", *facts, "", *_columns(table.columns), "",
        *(["Promises of the table as a whole:", "", *promises, ""] if promises else []),
        *how_to_read(table), "",
    ]  # fmt: skip


def how_to_read(table: Table) -> list[str]:
    """The same lines for everyone; a test runs them."""
    path = f"lake/{table.layer}/{table.name}"
    return [
        "<details><summary>Read it from pandas, PySpark, DuckDB or Polars</summary>",
        "",
        "```python",
        *snippet(path),
        "```",
        "</details>",
    ]


def snippet(path: str) -> list[str]:
    return [
        "from deltalake import DeltaTable",
        "",
        f'table = DeltaTable("{path}")  # version=N for an older one',
        "pandas_frame = table.to_pandas()",
        'spark_frame = spark.read.option("basePath", table.table_uri).parquet(*table.file_uris())',
        "arrow = table.to_pyarrow_dataset()",
        'duckdb_frame = duckdb.sql("select * from arrow")',
        "polars_frame = polars.from_arrow(arrow.to_table())",
    ]


def _columns(columns: tuple[Column, ...]) -> list[str]:
    lines = ["| column | type | unit | meaning | promises |", "| --- | --- | --- | --- | --- |"]
    for c in columns:
        promises = "; ".join(k.sentence + ("" if k.severity == "critical" else " (warning)") for k in c.constraints)
        meaning = c.meaning + (" **Personal.**" if c.personal else "")
        lines.append(f"| `{c.name}` | {c.type} | {c.unit} | {_cell(meaning)} | {_cell(promises)} |")
    return lines


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _first(text: str) -> str:
    return text.split(". ")[0].rstrip(".")
