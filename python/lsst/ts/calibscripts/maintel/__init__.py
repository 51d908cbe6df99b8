"""Scripts of the Simonyi Survey Telescope."""
