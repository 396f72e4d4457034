"""What training leaves behind: versions of models, which of them serves, how good they were found, how their inputs drift."""

from lake.columns import count, double
from lake.constraints import Between, NotNull, OneOf
from lake.contract import Column, Table

OWNER = "maintenance"
NAIVE = 0
"""Version of every problem that is no model but a naive rule; it serves until a model beats it."""

PROBLEMS = ("fleet_failure", "line_failure", "refrigeration_failure", "line_anomaly")
"""What the DAG trains; each is declared in models/problems."""

SPLITS = ("newest window", "walk-forward", "grouped out-of-fold")
WHOSE = ("model", "naive rule", "champion", "oracle")
METRICS = (
    "average_precision", "recall_at_capacity", "precision_at_capacity", "precision", "recall", "brier", "lead_time_days", "saved_eur",
)  # fmt: skip

PROBLEM = Column("problem", "string", "Problem, as declared in models/problems", (NotNull(),))
VERSION = Column("model_version", "long", f"Version of the model within its problem; {NAIVE}: the naive rule", (
    NotNull(), Between("critical", NAIVE)))  # fmt: skip
RUN = Column("run", "string", "Identifier of the training run", (NotNull(),))
AT = Column("recorded_at", "timestamp", "Instant of the record, UTC", (NotNull(),))
AS_OF = Column("as_of", "date", "Newest day of the lake that the record knows of", (NotNull(),))
SPLIT = Column("split", "string", "newest window: later days than training and purge, of all assets; walk-forward: several such windows, "
               "each with a model trained before it; grouped out-of-fold: days of training, other assets", (
                   NotNull(), OneOf("critical", SPLITS)))  # fmt: skip

VERSIONS = Table(
    "gold", "maintenance", "model_versions", "ledger",
    "Every model that was trained: how, on what, and what the gate decided. Metrics are in model_metrics, who serves in champions.", OWNER,
    "one row per problem and version trained",
    (
        PROBLEM, VERSION, RUN, AS_OF,
        Column("estimator", "string", "Kind of model", (NotNull(),)),
        Column("is_promoted", "boolean", "The gate let it serve", (NotNull(),)),
        Column("gate_reasons", "array<string>", "What the gate compared, and what it found", (NotNull(),)),
        Column("train_first_day", "date", "First day it was trained on", (NotNull(),)),
        Column("train_last_day", "date", "Last day it was trained on", (NotNull(),)),
        Column("test_first_day", "date", "First day of the newest window, after the purge"),
        Column("test_last_day", "date", "Last day of the newest window whose outcome is known"),
        count("purged_days", "Days left out before the newest window: look-back of the features and horizon", "days"),
        count("train_rows", "Rows it was trained on", "rows"),
        count("train_failures", "Of them rows before a failure", "rows"),
        Column("horizon_days", "long", "How far it looks ahead; null where it looks at the present", (Between("critical", 1),), "days"),
        double("surveillance_threshold", "Probability from which an asset is watched", "", 0.0001, 0, 1),
        double("alert_threshold", "Probability from which an asset is an alert; chosen by cost under the workshop's capacity", "",
               0.0001, 0, 1),
        double("critical_threshold", "Probability from which an alert is critical", "", 0.0001, 0, 1),
        Column("features", "array<string>", "What it looks at", (NotNull(),)),
        Column("data_versions", "string", "Delta version of every input, as a JSON object", (NotNull(),)),
        Column("code_version", "string", "Digest of the code it was made with", (NotNull(),)),
        Column("libraries", "string", "Versions of the libraries, as a JSON object", (NotNull(),)),
        Column("seed", "long", "Seed of everything random", (NotNull(),)),
        Column("digest", "string", "SHA-256 of the canonical parameters and trees", (NotNull(),)),
        Column("artifact", "string", "Folder of its files, below the registry", (NotNull(),)),
        Column("artifact_sha256", "string", "SHA-256 over its files, verified before they are loaded", (NotNull(),)),
        Column("card", "string", "Model card in plain words, Markdown", (NotNull(),)),
        AT,
    ),
    ("problem", "model_version"),
)  # fmt: skip

CHAMPIONS = Table(
    "gold", "maintenance", "champions", "ledger",
    "Which version of each problem serves: the newest row of a problem is its champion; without one the naive rule serves.", OWNER,
    "one row per change",
    (
        PROBLEM, VERSION,
        Column("previous_version", "long", "Version that served before", (NotNull(),)),
        Column("cause", "string", "gate: it won; rollback: a person went back", (NotNull(), OneOf("critical", ("gate", "rollback")))),
        Column("reason", "string", "Why, in words", (NotNull(),)),
        AT,
    ),
    ("problem", "recorded_at"),
)  # fmt: skip

METRICS_TABLE = Table(
    "gold", "maintenance", "model_metrics", "ledger",
    "How good each version was found, with intervals by bootstrap over assets, beside the naive rule, the champion of the time and, on "
    "simulated data, the oracle that knows the true hazard.", OWNER,
    "one row per problem, version, split, class of assets, whose score and metric",
    (
        PROBLEM, VERSION, RUN, SPLIT,
        Column("asset_class", "string", "all, or a kind of asset", (NotNull(),)),
        Column("whose", "string", "Whose scores were judged", (NotNull(), OneOf("critical", WHOSE))),
        Column("metric", "string", "What was measured", (NotNull(), OneOf("critical", METRICS))),
        Column("value", "double", "Its value; lead_time_days in days, saved_eur in EUR, others from 0 to 1", (), "", 0.0001),
        Column("low", "double", "Lower end of the 90 % interval", (), "", 0.0001),
        Column("high", "double", "Upper end of the 90 % interval", (), "", 0.0001),
        count("rows", "Rows judged", "rows"),
        count("failures", "Of them rows before a failure", "rows"),
        count("assets", "Assets judged", "assets"),
        AT,
    ),
    ("problem", "model_version", "split", "asset_class", "whose", "metric"),
)  # fmt: skip

CALIBRATION = Table(
    "gold", "maintenance", "model_calibration", "ledger",
    "What probabilities were worth: predicted against what happened, in tenths of the rows.", OWNER,
    "one row per problem, version, split and tenth",
    (
        PROBLEM, VERSION, SPLIT,
        Column("bin", "long", "Tenth of the rows, 1 has the lowest probabilities", (NotNull(), Between("critical", 1, 10))),
        double("predicted", "Mean probability", "", 0.0001, 0, 1),
        double("observed", "Share followed by a failure within the horizon", "", 0.0001, 0, 1),
        count("rows", "Rows in it", "rows"),
        AT,
    ),
    ("problem", "model_version", "split", "bin"),
)  # fmt: skip

BACKTEST = Table(
    "gold", "maintenance", "backtest", "ledger",
    "What models trained before each window would have said in it (walk-forward). Not what was said then: that is in predictions.", OWNER,
    "one row per training run, problem, asset and day",
    (
        PROBLEM, RUN,
        Column("asset_id", "string", "Asset", (NotNull(),)),
        Column("day", "date", "Day at whose end the score would have been made", (NotNull(),)),
        Column("trained_until", "date", "Last day the model of this window was trained on", (NotNull(),)),
        double("probability", "Probability of a failure within the horizon", "", 0.0001, 0, 1),
        double("naive_score", "Score of the naive rule; only its order means something", "", 0.0001),
        Column("is_failure", "boolean", "A failure did start within the horizon", (NotNull(),)),
        AT,
    ),
    ("run", "problem", "asset_id", "day"),
)  # fmt: skip

DRIFT = Table(
    "gold", "maintenance", "drift", "ledger",
    "How far the inputs and scores of the champion have moved from the days it was trained on: population stability index.", OWNER,
    "one row per training run, problem and feature, and one for the score",
    (
        PROBLEM, VERSION, RUN, AS_OF,
        Column("feature", "string", "Feature, or `score`", (NotNull(),)),
        Column("reference_first_day", "date", "First day of the reference window", (NotNull(),)),
        Column("reference_last_day", "date", "Last day of it", (NotNull(),)),
        Column("window_first_day", "date", "First day compared with it", (NotNull(),)),
        Column("window_last_day", "date", "Last day compared with it", (NotNull(),)),
        double("psi", "Population stability index over tenths of the reference, missing values a class of their own", "", 0.0001, 0),
        Column("state", "string", "stable below 0.1, moved below 0.25, else drifted", (
            NotNull(), OneOf("critical", ("stable", "moved", "drifted")))),
        AT,
    ),
    ("run", "problem", "feature"),
)  # fmt: skip
