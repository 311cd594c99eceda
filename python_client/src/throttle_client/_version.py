"""The version of the package, and nothing else: the build reads this file without importing the package."""

__version__ = "1.0.0"
