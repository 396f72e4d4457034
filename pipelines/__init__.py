"""Landing to gold: parsing, steps, the runner and the command line."""
