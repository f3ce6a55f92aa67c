"""The creditor as a company: its people, what it has told about itself, and who lets in whom.

`members` and `invitations` say who may act for a company. A door calls them; nobody else writes
memberships once a company is there.
"""
