"""A summit without pixels and a clock that jumps: for tests, benchmarks and the tests of other packages."""
