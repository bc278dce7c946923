"""Floor 4: from an image back to a tree.

``selection.select`` finds what is meant, ``run.restore`` brings it back.
"""
