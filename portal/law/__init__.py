"""What the law allows and how it is computed: pure functions, dated tables, their sources.

- `calendar`: banking days
- `fees`: what a measure may cost the debtor, since when
- `interest`: the reference rates and default interest
- `settlement`: what a payment covers first
- `reminder`: what a written reminder must state
- `explanation`: each sum of a claim in plain words, with its rule

Nothing here knows a database, a clock or a language. `docs/law.md` lists every rule with its
source and whether it is checked or to be confirmed.
"""

from portal.law.errors import LawError

__all__ = ["LawError"]
