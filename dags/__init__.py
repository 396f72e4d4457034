"""Airflow DAGs, built by loops over the catalog. They import nothing heavy at parse time."""
