"""Figures: python -m bench <question> measures one thing and writes its part of RESULTS.md."""
