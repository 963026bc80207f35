"""Customers and their keys: who asks, and how often they may."""
