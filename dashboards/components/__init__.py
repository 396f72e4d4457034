"""What pages are put together from: header, tiles, figure cards, filters, downloads, and the states of having nothing to show."""
