"""Carry out a plan. Only this package may write records to HubSpot, and only what a Plan holds."""
