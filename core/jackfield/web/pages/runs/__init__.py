"""The pages about runs: the journal, one run, refused requests, replay and bulk jobs."""
