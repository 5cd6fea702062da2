from hypothesis import settings

settings.register_profile("untimed", settings(), deadline=None, max_examples=60)  # a busy machine is no defect
settings.load_profile("untimed")
