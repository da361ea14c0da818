"""The graded exercises, one file per assignment: what is tried on an answer, and the mistakes known by name."""
