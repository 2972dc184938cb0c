"""What an account holds, in SQLite tables, and HubSpot's own definitions that it begins with."""
