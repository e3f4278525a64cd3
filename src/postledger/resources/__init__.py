"""What can be hosted, in our own words and without any platform: Exchange and DNS."""
