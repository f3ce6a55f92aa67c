"""Words that somebody has written to be kept."""

from portal.messages import N_, RedaError


def written(words: str, most: int) -> str:
    """The words without blanks around them.

    most: characters. Raises RedaError at the field `words` for none or too many.
    """
    said = words.strip()
    if not said:
        raise RedaError(N_("Fill this in."), field="words")
    if len(said) > most:
        raise RedaError(
            N_("Too long. Write at most %(most)s characters."), field="words", most=most
        )
    return said
