"""HubSpot's endpoints: one module for each part of the API, each with its table ``ROUTES``."""
