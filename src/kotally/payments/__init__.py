"""Payments: commercial events, whoever reports them, and what they grant."""
