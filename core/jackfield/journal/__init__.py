"""The journal: the durable record of every run, and the queue of runs to carry out.

`protocol` says what the host asks of a journal, `records` and `views` are its values; `sqlite` is the back end. New
runs go in; runs to carry out, and views of them, come out. This room knows no pipeline, no plugin and no page.
"""
