from hypothesis import settings

settings.register_profile("untimed", settings(), deadline=None)  # a busy machine is no defect
settings.load_profile("untimed")
