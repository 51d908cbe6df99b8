"""The steps of a run beside the camera: calibrations are generated, verified, compared and certified."""
