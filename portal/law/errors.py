"""What is raised when the law gives no answer."""

from portal.messages import RedaError


class LawError(RedaError):
    """The rules cannot be applied to what was given: outside their time, or no lawful amount."""
