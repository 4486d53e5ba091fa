"""Layer 1, pure: the standard library only; no clock, socket, randomness or Django."""
