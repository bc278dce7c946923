"""Floor 5: the catalogue of backup sets: images, and the numbers that inodes have in them.

It is what an incremental image needs to be made (chapter 45). The images do not need it: a
catalogue that is lost is made again from them.
"""
