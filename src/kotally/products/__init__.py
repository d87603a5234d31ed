"""Products: what is sold, version by version, and what its credits pay for."""
