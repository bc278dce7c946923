"""Generated big-endian codecs; see ksy/."""
