"""Generated little-endian codecs; see ksy/."""
