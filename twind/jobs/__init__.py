"""One module a job; a job is a function of the store and the settings.

`python -m twind.jobs NAME` runs one in a process of its own: the daemon starts it, and so does the
command line. Each module has one function, `run(work) -> dict`; siblings do not import each other.
"""
