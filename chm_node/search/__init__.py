"""Search across languages: the analyser decides what matches, the database only keeps the inverted index."""
