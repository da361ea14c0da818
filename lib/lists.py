"""A reader's own list of words, cleaned of what nobody can see; a table is refused."""

import re
import unicodedata
import warnings
from collections.abc import Sequence
from pathlib import Path

JOINERS, VARIANTS = "\u200c\u200d", "\ufe0e\ufe0f"
# Without a sign of their own, though Unicode calls them letters, marks or symbols.
BLANKS = set("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\u2800") | {chr(code) for code in range(0xFE00, 0xFE10)}
DELIMITERS = {"\t": "a tab", ",": "a comma", ";": "a semicolon", "|": "a bar"}
HEADINGS = {
    "name",
    "names",
    "word",
    "words",
    "first name",
    "given name",
    "firstname",
    "vorname",
    "nom",
    "prénom",
    "nombre",
}
MARKUP = ("{\\rtf", "<", "{", "[")
QUOTED = re.compile(r"([\"'“„«]).+[\"'”“»]")


def read_words(path: Path) -> dict[int, str]:
    """The words of a UTF-8 text file by the numbers of their lines, in lower case and cleaned, without blank lines.

    What cannot be seen is removed, and a warning says how much: signs of direction and width, marks of byte order, soft
    hyphens, blanks beside blanks. Joiners and variants stay where a script or an emoji needs them.

    Raises:
        ValueError: not text in UTF-8, or a table, a text with markup or a list in quotes.
    """
    lines = {number: line.strip() for number, line in enumerate(_read_text(path).splitlines(), 1) if line.strip()}
    _refuse_table(path, list(lines.values()))
    removed = {number: len(line) - len(_visible(line)) for number, line in lines.items()}
    if touched := [lines[number] for number, count in removed.items() if count]:
        warnings.warn(
            f"Invisible characters removed from {path}: {sum(removed.values())}, in {len(touched)} of {len(lines)} lines, "
            f"the first {touched[0]!a}.",
            stacklevel=3,
        )
    words = {number: clean(line) for number, line in lines.items()}
    return {number: word for number, word in words.items() if word}


def clean(line: str) -> str:
    """A word in lower case: what looks alike is alike, and what cannot be seen is gone; cleaning again changes nothing."""
    # Lower case of the Turkish capital İ is an i with a second dot, which no font shows.
    word = unicodedata.normalize("NFC", _visible(line).lower().replace("i\u0307", "i"))
    return word if word == line else clean(word)


def _visible(line: str) -> str:
    if line.isascii() and line.isprintable():
        return " ".join(line.split())
    kept = ""
    for place, character in enumerate(line):
        kept += character if _is_seen(kept, character, line[place + 1 :]) else ""
    return " ".join(kept.split())


def _is_seen(before: str, character: str, after: str) -> bool:
    """Whether a character shows, or changes how its neighbours look."""
    base = next((c for c in reversed(before) if unicodedata.category(c) not in ("Mn", "Me", "Cf")), "")
    pictured = bool(base) and unicodedata.category(base) in ("So", "Sk")
    if character in VARIANTS:
        return bool(base) and (pictured or unicodedata.category(base) in ("Lo", "Nd", "Po"))
    if character in JOINERS:
        if not before or not after:
            return False
        joined = [unicodedata.bidirectional(c) == "AL" for c in (base or " ", after[0])]
        return unicodedata.combining(before[-1]) == 9 or all(joined) or (pictured and character == "\u200d")
    if 0xE0020 <= ord(character) <= 0xE007F:  # tags, which make a flag
        return pictured
    return (unicodedata.category(character) not in ("Cf", "Cc") and character not in BLANKS) or character.isspace()


def _refuse_table(path: Path, lines: Sequence[str]) -> None:
    """ValueError if most lines are no words: rows of a table, markup, words in quotes, or a heading above them."""
    if not lines:
        return
    if lines[0].lstrip("\ufeff ").startswith(MARKUP):
        raise ValueError(
            f"{path} begins with {lines[0][:20]!r}: that is a file of another program, not a list of words. "
            "Save it as plain text with one name per line."
        )
    for delimiter, said in DELIMITERS.items():
        if 2 * sum(delimiter in line for line in lines) > len(lines):
            raise ValueError(
                f"{path} is a table, its columns separated by {said}: its line 1 is {lines[0][:60]!r}. "
                f"Keep only the column of the names, which seems to be {_column(lines, delimiter)}."
            )
    if 2 * sum(bool(re.search(r"\S\s+[\d.,]+\s*$", line)) for line in lines) > len(lines):
        raise ValueError(f"{path} has a number after each name, as {lines[-1].strip()!r}. Keep only the names.")
    if 2 * sum(bool(QUOTED.fullmatch(line.strip())) for line in lines) > len(lines):
        raise ValueError(f"{path} has its names in quotes, as {lines[0].strip()!r}. Remove the quotes.")
    if len(lines) > 2 and clean(lines[0]) in HEADINGS:
        raise ValueError(f"line 1 of {path} is {lines[0].strip()!r}, a heading. Remove that line.")


def _column(lines: Sequence[str], delimiter: str) -> str:
    """The column with the most different words, described by its number and its first and last entries."""
    rows = [[part.strip("\"' ") for part in line.split(delimiter)] for line in lines]
    columns = [[row[place] if place < len(row) else "" for row in rows] for place in range(max(map(len, rows)))]
    words = [len({entry for entry in column if re.fullmatch(r"[^\W\d_][^\d]*", entry)}) for column in columns]
    best = words.index(max(words))
    return f"column {best + 1} of {len(columns)}, {columns[best][0]!r} to {columns[best][-1]!r}"


def _read_text(path: Path) -> str:
    """The file's text; ValueError if it is not UTF-8 text."""
    raw = path.read_bytes()
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ValueError(f"{path} is text in UTF-16. Save it again as UTF-8.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8 text: byte {raw[error.start]:#04x} at position {error.start}. "
            "If it is text in another encoding, save it again as UTF-8."
        ) from error
    for character in text:
        if unicodedata.category(character) == "Cc" and not character.isspace():
            raise ValueError(
                f"{path} is not text: it contains the control character {character!r}. "
                "Give a text file with one name per line."
            )
    return text
