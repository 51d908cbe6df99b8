"""One run of a script: what it does before the first exposure, the images it takes, and the steps beside them."""
