"""The door of our own staff: jobs, rates, what needs a person."""
