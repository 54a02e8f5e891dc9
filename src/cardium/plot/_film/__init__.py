"""Recordings as pictures that move: panels on one clock, drawn a frame at a time."""
