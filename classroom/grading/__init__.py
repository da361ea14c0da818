"""The grader: `python -m classroom.grading a01 FOLDER`. Only `worker` and `wire` run beside a student's code.

Read in this order: submissions and notebook (what was submitted), stage (what the sandbox sees), sandbox, process, wire
and worker (how it runs there), attempt (one submission, judged outside), records (what is kept), then what is made from
the records: outputs, pages, report, gradebook.
"""
