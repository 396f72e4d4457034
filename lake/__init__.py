"""The lake: contracts, catalog, mappings, storage, Spark."""
