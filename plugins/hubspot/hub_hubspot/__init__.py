"""HubSpot for Hub."""
