"""What a user can set: the options, the layers they come from, the recipe they make."""
