"""Floor 5: holds images against the specification and tells what came of it, for people and builds.

``registry`` knows the requirements, ``engine`` finds where they are broken, ``run`` judges images
one after another, and ``outputs`` writes the report in the form that was asked for.
"""
