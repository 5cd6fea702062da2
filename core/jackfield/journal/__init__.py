"""The journal: the durable record of every run, and the queue of what is to be done.

`records` has the values, `port` what the host asks of a journal, `sqlite` the back end that keeps it in one file.
"""
