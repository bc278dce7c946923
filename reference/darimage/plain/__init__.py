"""The plain reader and writer: slow, obvious, on the generated Construct codecs alone.

What is read here follows the numbered steps of the specification, with the requirement beside each
step; nothing is bulk work, nothing is guessed, nothing is left out to be quicker. It is what a
stranger reads before writing a reader, what the fast code is tested against, and what shows that
the conformance suite notices a rule that is not kept: each can be switched off.

* ``reader.decode``: image to inventory. The walk is in ``walk``, what the groups of records become
  in ``assemble``, ``tree``, ``attached`` and ``inventory``.
* ``writer.encode``: tree to image.
* ``chain``: several images as one tree; ``restoring``: an inventory's contents as files.
* ``rules``: the switches.
"""
