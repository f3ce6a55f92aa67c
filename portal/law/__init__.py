"""What the law allows and how it is computed: pure functions, dated tables, their sources.

- `calendar`: banking days
- `fees`: what a measure may cost the debtor, since when, and whether it is charged
- `interest`: the reference rates, from when default interest runs, and what it comes to
- `settlement`: what a payment covers first
- `statement`: what both letters must state; `reminder`, `demand`: what each of them must besides
- `limitation`: when a claim may no longer be made
- `explanation`: each sum of a claim in plain words, with its rule

Nothing here knows a database, a clock or a language. `docs/law.md` lists every rule with its
source and whether it is checked or to be confirmed.
"""

from portal.law.errors import LawError

__all__ = ["LawError"]
