"""What HubSpot does with a call: what it accepts, computes, finds, counts and refuses."""
