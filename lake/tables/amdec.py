"""AMDEC (FMEA): failure modes as the sheets rate them, their actions, and what was observed of them."""

from lake.columns import LINEAGE_COLUMNS, double
from lake.constraints import Between, EqualSums, NotNull, OneOf, RowCountBand
from lake.contract import Column, Feed, Read, Table
from lake.fmea import HIGHEST, LEVELS, LOWEST, SCALES

OWNER = "maintenance-methods"

DOMAINS = ("refrigeration", "fleet", "line")
ACTION_STATES = ("ouverte", "en cours", "faite")
ROLES = ("maintenance", "méthodes", "production", "qualité", "sécurité", "logistique")
OTHER_ROLE = "autre"
"""What becomes of any other entry, a person's name first of all."""

RATED = ("gravity", "occurrence", "detection")
"""G, O (F in some sheets) and D. Each is kept as given, normalised to 1-10, and rounded to a whole rating."""

RPN_STATES = ("right", "wrong", "missing", "not_computable")
PRIORITIES = ("H", "M", "L")

_ABOUT = {
    "gravity": "Gravity (severity) of the effect",
    "occurrence": "Occurrence (frequency) of the cause",
    "detection": "Detection: high where nothing would notice in time",
}


def _text(name: str, meaning: str) -> Column:
    return Column(name, "string", meaning)


def _key(name: str, meaning: str) -> Column:
    return Column(name, "string", meaning, (NotNull(),))


DOMAIN = Column("domain", "string", "Domain of the assets that the sheet is about", (NotNull(), OneOf("critical", DOMAINS)))
ORGAN = _key("organ", "Organ that fails, lower case")
MODE = _key("mode", "Failure mode: how it fails")
CAUSE = _key("cause", "Why it fails; `non renseigné` where the sheet doesn't say")
MODE_KEY = ("domain", "organ", "mode", "cause")
SCALE = Column("scale", "string", "Scale of the sheet's ratings, declared with the source", (NotNull(), OneOf("critical", tuple(SCALES))))
GIVEN = tuple(
    Column(f"{r}_given", "double", f"{_ABOUT[r]}, as given, on the sheet's own scale and within it", (NotNull("warning"),), resolution=0.01)
    for r in RATED
)
RPN_GIVEN = double("rpn_given", "RPN (C) as given: G × O × D on the sheet's own scale", "", 0.01, 0)
EQUIPMENT = _text("equipment", "Equipment the sheet names")
WORDS = (
    _text("function", "What the organ is there for"),
    _text("effect", "What the failure does"),
    _text("detection_method", "What would notice it"),
)
ACTION = (
    _text("preventive_action", "Action that keeps it from happening"),
    _text("corrective_action", "What is done once it has happened"),
    Column("action_status", "string", "State of the preventive action", (OneOf("critical", ACTION_STATES),)),
    Column("due_on", "date", "Day by which the action is due"),
)
ROLE = Column(
    "responsible_role", "string", f"Function that answers for the action, never a person; `{OTHER_ROLE}` for any other entry",
    (OneOf("critical", (*ROLES, OTHER_ROLE)),),
)  # fmt: skip
NORMALISED = tuple(
    double(f"{r}_normalised", f"{_ABOUT[r]}, on the 1-10 scale: a straight line on which ends meet ends", "", 0.0001, LOWEST, HIGHEST)
    for r in RATED
)

FEED_FAILURE_MODES = Feed(
    "amdec", "failure_modes", "AMDEC sheets: a row per failure mode and cause, rated on the scale the mapping declares.",
    (
        DOMAIN, EQUIPMENT, ORGAN, MODE, CAUSE, *WORDS, SCALE, *GIVEN, RPN_GIVEN, *ACTION,
        Column("responsible_role", "string", "Who answers for the action; sheets may name persons", personal=True),
    ),
    OWNER,
)  # fmt: skip

FAILURE_MODES = Table(
    "silver", "amdec", "failure_modes", "snapshot", "The failure modes that the newest sheets name, rated within their scale.", OWNER,
    "one row per domain, organ, mode and cause",
    (DOMAIN, EQUIPMENT, ORGAN, MODE, CAUSE, *WORDS, SCALE, *GIVEN, RPN_GIVEN, *NORMALISED, *ACTION, ROLE, *LINEAGE_COLUMNS),
    MODE_KEY, inputs=(Read(FEED_FAILURE_MODES.name),), promises=(RowCountBand("warning", 2.0),),
)  # fmt: skip

RATINGS = tuple(
    Column(f"{r}_rating", "long", f"{_ABOUT[r]}, whole, 1-10 (a half goes up); null where the sheet has none",
           (Between("critical", LOWEST, HIGHEST),))
    for r in RATED
)  # fmt: skip
RPN = Column("rpn_normalised", "long", "G × O × D of the whole ratings on the 1-10 scale", (Between("critical", 1, 1000),))
LEVEL = Column(
    "level", "string", "From rpn_normalised: " + ", ".join(f"{name} from {at_least}" for name, at_least in LEVELS),
    (OneOf("critical", tuple(name for name, _ in LEVELS)),),
)  # fmt: skip
PRIORITY = Column(
    "action_priority", "string", "AIAG-VDA 2019 action priority: H must be acted on, M should, L may; null without all three ratings",
    (OneOf("critical", PRIORITIES),),
)  # fmt: skip

RATED_MODES = Table(
    "gold", "amdec", "ratings", "snapshot", "Each failure mode with its ratings on one scale, its RPN recomputed and its priority.", OWNER,
    "one row per domain, organ, mode and cause",
    (
        DOMAIN, EQUIPMENT, ORGAN, MODE, CAUSE, *WORDS, SCALE, *GIVEN, *RATINGS, RPN_GIVEN,
        double("rpn_computed", "G × O × D as given, on the sheet's own scale; null without all three", "", 0.01, 0),
        double("rpn_difference", "rpn_given minus rpn_computed; null where either is missing", "", 0.01),
        Column("rpn_state", "string", "Whether the RPN given is the product of the ratings given",
               (NotNull(), OneOf("critical", RPN_STATES))),
        RPN, LEVEL, PRIORITY, *ACTION, ROLE,
    ),
    MODE_KEY, inputs=(Read(FAILURE_MODES.name),), promises=(EqualSums("critical", "", FAILURE_MODES.name),),
)  # fmt: skip

ACTIONS = Table(
    "gold", "amdec", "actions", "snapshot", "The actions not yet done as of the newest day, and how long overdue they are.", OWNER,
    "one row per failure mode whose action is not done",
    (
        Column("day", "date", "The as-of day: the newest of the calendar", (NotNull(),)),
        DOMAIN, EQUIPMENT, ORGAN, MODE, CAUSE,
        Column("preventive_action", "string", "Action that keeps it from happening", (NotNull(),)),
        Column("action_status", "string", "State of the action", (NotNull(), OneOf("critical", ("ouverte", "en cours")))),
        ROLE, Column("due_on", "date", "Day by which the action is due"),
        Column("is_overdue", "boolean", "Due before the as-of day; false without a due date", (NotNull(),)),
        Column("days_overdue", "long", "Days since it was due; 0 until then, null without a due date", (Between("critical", 0),), "days"),
        RPN, LEVEL, PRIORITY,
    ),
    MODE_KEY, inputs=(Read(RATED_MODES.name), Read("bronze_lake__calendar")),
)  # fmt: skip
