"""Files of every format with what must become of them: see `test_corpus`. Those in `cases` came from real reports."""
