"""The process that nobody has to watch: it decides and queues; the work runs in workers."""
