"""Floor 5: holds images against the specification and tells what came of it, for people and builds.

``registry`` knows the requirements, ``rules`` are what they ask of an image, and ``contexts`` what
rules get to see. ``judging`` applies them in one walk (``walking``), ``engine`` makes findings of
what they tell, ``run`` judges images one after another, and ``outputs`` writes the report in the
form that was asked for. ``verify`` is the same for whoever wants faults alone.
"""
