"""The shipped vocabularies: one SKOS concept scheme per Turtle file, the file's stem being the scheme's key."""
