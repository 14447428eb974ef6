"""What three games or more use."""
