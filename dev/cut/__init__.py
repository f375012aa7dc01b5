"""Trains the network that finds the product, lib/drawing/cut/network.py, further."""
