"""The kernel: lots, postings, holds, balances; one way in, in batches, and the proofs."""
