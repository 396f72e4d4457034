"""What models say of each asset, why, what became of it, and what the workshop should do next."""

from lake.columns import DAY, count, double
from lake.constraints import Between, NotNull, OneOf
from lake.contract import Column, Read, Table
from lake.status import STATUSES
from lake.tables.models import CHAMPIONS, NAIVE, OWNER, PROBLEM, VERSION, VERSIONS
from lake.tables.plant import ASSET, ASSETS, DOMAINS

CALENDAR = "bronze_lake__calendar"
WORK_ORDERS = "gold_gmao__work_orders"
FEATURES = {d: f"gold_{d}__features" for d in DOMAINS}
KNOWN_DAYS = 420
"""How far back work orders tell of an asset's past."""

HISTORY = Read(WORK_ORDERS, days_before=KNOWN_DAYS, days_after=31, optional=True)
DOMAIN = Column("domain", "string", "Domain of the asset", (NotNull(), OneOf("critical", DOMAINS)))
FAILED_PART = "Component most likely to fail; null where the model doesn't tell components apart, or knows nothing"
PRECISION_STATES = ("as promised", "not known yet", "low")
MADE = (
    Column("_made_at", "timestamp", "When it was made, UTC"),
    Column("_run", "string", "Attempt of the run that made it"),
    Column("_inputs", "string", "Delta version of every input it was made from, as a JSON object"),
)
"""The runner fills them in."""

PREDICTIONS = Table(
    "gold", "maintenance", "predictions", "ledger",
    "What was said of each asset at the end of each day, as it was said: never restated, and never made for days gone by. A new "
    "champion adds rows to the newest day; of several versions of a day the one made last counts.", OWNER,
    "one row per problem, asset, day and model version that served",
    (
        DAY, PROBLEM, DOMAIN, ASSET, VERSION,
        Column("estimator", "string", "Kind of model; `naive rule` for version 0", (NotNull(),)),
        Column("status", "string", "INCONNU: nothing can be said; others by the version's thresholds", (
            NotNull(), OneOf("critical", STATUSES))),
        Column("unknown_reason", "string", "Why nothing can be said, in words; null otherwise"),
        Column("horizon_days", "long", "How far it looks ahead", (NotNull(), Between("critical", 1)), "days"),
        double("probability", "Of a failure that starts within the horizon; null when nothing can be said", "", 0.0001, 0, 1),
        Column("component", "string", FAILED_PART),
        double("component_probability", "Of that component's failure within the horizon", "", 0.0001, 0, 1),
        double("forest_probability", "What the RandomForest says where another estimator was published", "", 0.0001, 0, 1),
        double("alert_threshold", "Probability from which the version calls an alert", "", 0.0001, 0, 1),
        double("days_to_failure", "Days to the next likely failure: median of the remaining life", "days", 0.1, 0),
        double("days_to_failure_low", "One in ten lives ends sooner", "days", 0.1, 0),
        double("days_to_failure_high", "One in ten lives lasts longer", "days", 0.1, 0),
        double("km_to_failure", "The same in distance at the pace of the last 28 days; vehicles only", "km", 1.0, 0),
        double("km_to_failure_low", "One in ten lives ends sooner", "km", 1.0, 0),
        double("km_to_failure_high", "One in ten lives lasts longer", "km", 1.0, 0),
        *MADE,
    ),
    ("problem", "asset_id", "day", "model_version"), "day",
    (*(Read(f, optional=True) for f in FEATURES.values()), HISTORY, Read(ASSETS.name),
     Read(VERSIONS.name, optional=True, is_looked_up=True), Read(CHAMPIONS.name, optional=True), Read(CALENDAR)),
    step="models.score:gold_maintenance__predictions", prospective=True,
)  # fmt: skip

REASONS = Table(
    "gold", "maintenance", "reasons", "ledger",
    "What made the model say so: the features that moved a prediction most (exact tree SHAP; for a linear model its terms).", OWNER,
    "one row per prediction and rank",
    (
        DAY, PROBLEM, DOMAIN, ASSET, VERSION,
        Column("rank", "long", "1: moved it most", (NotNull(), Between("critical", 1))),
        Column("feature", "string", "Feature", (NotNull(),)),
        Column("value", "double", "Its value; null where it is missing", (), "", 1e-6),
        Column("contribution", "double", "How much it moved the score from the average: above 0 towards failure", (NotNull(),), "", 1e-6),
        *MADE,
    ),
    ("problem", "asset_id", "day", "model_version", "rank"), "day",
    (*(Read(f, optional=True) for f in FEATURES.values()), HISTORY, Read(ASSETS.name), Read(PREDICTIONS.name),
     Read(VERSIONS.name, optional=True, is_looked_up=True), Read(CALENDAR)),
    step="models.explain:gold_maintenance__reasons", prospective=True,
)  # fmt: skip

OUTCOMES = Table(
    "gold", "maintenance", "outcomes", "snapshot",
    "Every alert episode and every failure, matched one to one: an episode is a run of days at ALERTE or worse, a failure the first "
    "day of a corrective stop.", OWNER,
    "one row per hit, miss, false alarm and episode still pending",
    (
        Column("outcome_id", "string", "Digest of problem, asset, episode and work order", (NotNull(),)),
        PROBLEM, DOMAIN, ASSET,
        Column("outcome", "string", "hit: a failure began within the horizon of a day of the episode; miss: a failure without episode; "
               "false_alarm: an episode without failure; pending: it may still come", (
                   NotNull(), OneOf("critical", ("hit", "miss", "false_alarm", "pending")))),
        Column("episode_first_day", "date", "First day of the alert; null of a miss"),
        Column("episode_last_day", "date", "Last day of it; null of a miss"),
        Column("failed_on", "date", "Day the failure began; null of false alarms and pending ones"),
        Column("work_order_id", "string", "Its work order"),
        Column("organ", "string", "Organ that failed"),
        Column("component", "string", "Component that the alert named last"),
        Column("is_component_right", "boolean", "It was that one that failed; null where either isn't known"),
        Column("lead_time_days", "long", "Days from the first day of the alert to the failure", (Between("critical", 0),), "days"),
        Column("model_version", "long", "Version that called the alert first"),
        Column("week", "date", "Monday of the failure's week; of the episode's first day where there is no failure", (NotNull(),)),
    ),
    ("outcome_id",),
    inputs=(Read(PREDICTIONS.name), Read(WORK_ORDERS, optional=True), Read(CALENDAR)),
    step="models.outcomes:gold_maintenance__outcomes",
)  # fmt: skip

OUTCOMES_WEEKLY = Table(
    "gold", "maintenance", "outcomes_weekly", "snapshot",
    "Outcomes counted: hits + misses = failures by the week of the failure; hits + false alarms + pending = episodes by the week in "
    "which the alert began.", OWNER, "one row per problem and week",
    (
        PROBLEM, Column("week", "date", "Monday of the week", (NotNull(),)),
        count("failures", "Failures that began in the week, of assets that were being predicted", "failures"),
        count("hits", "Of them foretold", "failures"),
        count("misses", "Of them not foretold", "failures"),
        count("episodes", "Alerts that began in the week", "alerts"),
        count("episode_hits", "Of them followed by a failure", "alerts"),
        count("false_alarms", "Of them followed by none", "alerts"),
        count("pending", "Of them open: the horizon isn't over", "alerts"),
        double("mean_lead_time_days", "Mean lead time of the week's hits; null without one", "days", 0.1, 0),
        double("precision", "Hits over hits and false alarms of the week's episodes; null without one", "", 0.0001, 0, 1),
        double("expected_precision", "Precision that the newest window promised the version that serves; null for the naive rule", "",
               0.0001, 0, 1),
        Column("precision_state", "string", "Over the four weeks up to this one: low below half of the promise, with at least five alerts "
               "decided; otherwise as promised, or not known yet", (
                   NotNull(), OneOf("critical", PRECISION_STATES), OneOf("warning", PRECISION_STATES[:2]))),
    ),
    ("problem", "week"),
    inputs=(Read("gold_maintenance__outcomes"), Read("gold_maintenance__champions", optional=True),
            Read("gold_maintenance__model_metrics", optional=True)),
    step="models.outcomes:gold_maintenance__outcomes_weekly",
)  # fmt: skip

PRIORITIES = Table(
    "gold", "maintenance", "priorities", "dated",
    "What the workshop should look at next: assets by risk times gravity times expected stop cost, cut at the hours of the coming week. "
    "Made for the newest day; earlier days stay as they were last made.", OWNER,
    "one row per day and asset worth a look",
    (
        DAY,
        Column("rank", "long", "1: first", (NotNull(), Between("critical", 1))),
        PROBLEM, DOMAIN, ASSET,
        Column("name", "string", "Name people use for it", (NotNull(),)),
        Column("status", "string", "As predicted", (NotNull(), OneOf("critical", STATUSES))),
        double("probability", "Of a failure within the horizon", "", 0.0001, 0, 1),
        Column("component", "string", FAILED_PART),
        Column("gravity", "long", "Highest gravity that the AMDEC rates for the component, 1-10; 5 where no sheet tells",
               (Between("critical", 1, 10),)),
        double("expected_stop_h", "Mean stop of past failures of the component, of the domain where there are few", "h", 0.1, 0),
        double("expected_stop_cost_eur", "Cost of such a stop and its repair", "EUR", 1.0, 0),
        double("expected_loss_eur", "Probability times expected stop cost", "EUR", 1.0, 0),
        double("priority", "expected_loss_eur times gravity over 10: what the list is ordered by", "EUR", 1.0, 0),
        double("needed_h", "Median hours of labour of past interventions of the component", "h", 0.1, 0),
        double("cumulative_h", "Hours needed up to this rank", "h", 0.1, 0),
        double("capacity_h", "Hours of the team in the coming week, less what unplanned repairs took of late", "h", 0.1, 0),
        Column("is_within_capacity", "boolean", "It still fits the coming week's hours; null where no team is known"),
        Column("reasons", "array<string>", "Why, in words: what the model saw", (NotNull(),)),
        Column("likely_parts", "array<string>", "Parts used most in past repairs of the component", (NotNull(),)),
        Column("similar", "array<string>", "Similar past interventions (TF-IDF): day, asset, what was found and done", (NotNull(),)),
        Column("similar_orders", "array<string>", "Their work orders", (NotNull(),)),
        Column("model_version", "long", f"Version that said so; {NAIVE}: the naive rule", (NotNull(),)),
        *MADE,
    ),
    ("day", "problem", "asset_id"), "day",
    (
        Read(PREDICTIONS.name), Read("gold_maintenance__reasons"), Read(ASSETS.name), HISTORY,
        Read("silver_gmao__parts", days_before=KNOWN_DAYS, days_after=31, optional=True), Read("gold_amdec__ratings", optional=True),
        Read("silver_workload__technicians", optional=True), Read(CALENDAR),
    ),
    step="models.priorities:gold_maintenance__priorities", prospective=True,
)  # fmt: skip
