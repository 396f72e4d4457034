"""Declared tables, one module a domain."""
