"""One conversation on disk: written as it happens, listed, resumed and exported."""
