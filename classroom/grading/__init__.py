"""The parts of grade.py. Only `worker` and `wire` ever run beside a student's code; the others stay outside of the sandbox.

Read in this order: notebook (what was handed in), stage (what goes into the sandbox), sandbox, box, wire and worker (how it runs
there), attempt (one submission, judged outside), results (what is kept), manual, collate,
pages, report, gradebook.
"""
