"""The steps of a production, from `select` to `import-to`."""
