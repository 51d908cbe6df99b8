"""The tables that name things: instruments and products, one frozen record each."""
