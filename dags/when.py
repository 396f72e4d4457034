"""When DAGs begin: `medallion` when files landed and at its time; the weekly ones hours apart on Sunday, in the site's time zone."""

from airflow.sdk import Asset, AssetOrTimeSchedule, CronTriggerTimetable

from lake.settings import settings

LANDING = Asset("landing", uri="lake://landing/files", group="landing")
"""Updated when `simulate` delivered files. Whoever brings files of their own may update it too, through Airflow's REST API."""
SIMULATE, RETRAIN, UPKEEP = "5 0 * * *", "0 2 * * 0", "0 5 * * 0"


def at(cron: str) -> CronTriggerTimetable:
    """At these times of the site's clock."""
    return CronTriggerTimetable(cron, timezone=settings().site_time_zone)


def on_landing_or_at(cron: str) -> AssetOrTimeSchedule:
    """When files landed, and at these times."""
    return AssetOrTimeSchedule(timetable=at(cron), assets=[LANDING])
