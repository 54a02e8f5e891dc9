"""The same clips, read and scored as they should be."""
