"""Other people's words, such as file names, on a terminal."""


def one_line(text: str) -> str:
    """Return text with line breaks, and what else would move a terminal's cursor, as escapes."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )
