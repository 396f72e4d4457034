"""Audits: expectations derived from contracts, verdicts and reports."""
