"""Words that somebody has written to be kept."""

import unicodedata

from portal.messages import N_, RedaError

# What a phone or a paste may bring along that is no writing; the database cannot keep some of it.
_KEPT_CONTROLS = "\n\t"


def written(words: str, most: int) -> str:
    """The words without blanks around them and without control characters.

    most: characters. Raises RedaError at the field `words` for none or too many.
    """
    said = "".join(
        one
        for one in words.replace("\r\n", "\n")
        if one in _KEPT_CONTROLS or unicodedata.category(one) not in ("Cc", "Cs")
    ).strip()
    if not said:
        raise RedaError(N_("Fill this in."), field="words")
    if len(said) > most:
        raise RedaError(
            N_("Too long. Write at most %(most)s characters."), field="words", most=most
        )
    return said
