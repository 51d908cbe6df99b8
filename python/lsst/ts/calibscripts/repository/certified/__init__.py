"""What is certified: asked, certified, and compared."""
