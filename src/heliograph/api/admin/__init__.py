"""The pages of the operator, and the calls that they make."""
