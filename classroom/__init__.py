"""For teachers: the exercises of the assignments, the grader with its sandbox, and slides. Nothing in `lib` imports it."""
