"""Full-text search: an index beside the journal, kept up to date in the background.

Words go in, ids of runs come out. The index is derived from the journal and is made anew when it is gone.
"""
