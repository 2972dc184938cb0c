"""Carrying out a plan. Only this package may write records to HubSpot, and only a Plan's."""
