"""An example of a package that adds to fairshard from outside."""
