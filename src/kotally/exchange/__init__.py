"""What leaves and enters the ledger as files."""
