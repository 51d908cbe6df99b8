"""The pictures of a page: focal planes, detectors, plots and time lines, as inline SVG and PNG."""
