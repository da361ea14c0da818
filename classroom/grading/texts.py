"""What a student wrote in words, wherever it is in a notebook: the answers that a person grades, and their pictures."""

import ast
import hashlib
import re
import urllib.parse
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from classroom.grading.wire import clean

LONGEST = 200_000  # characters of an answer, and of a notebook's code cells that are searched for words
MOST = 50  # pictures of a cell
SHOWN = 6_000_000  # characters of a notebook's pictures that are kept, as base64
PICTURE = re.compile(r"data:(image/(?:png|jpeg|gif|webp));base64,([A-Za-z0-9+/=]+)")
WORDS = re.compile(r"(?:[^\W\d_]{1,40}[,;:]? ){2}[^\W\d_]")


@dataclass
class Texts:
    """answers: by the name of their cell. elsewhere: what is in no answer. prose: numbers of code cells with words.

    pictures: of the answers, as data: addresses. lost: numbers of the cells where no answer belongs.
    """

    answers: dict[str, str] = field(default_factory=dict)
    pictures: dict[str, list[str]] = field(default_factory=dict)
    elsewhere: str = ""
    prose: set[int] = field(default_factory=set)
    lost: list[int] = field(default_factory=list)


def same(source: str) -> str:
    """A text without its layout: what is compared."""
    return " ".join(source.split())


def shortened(text: str, longest: int) -> str:
    """The beginning of a text, and how much is left out."""
    more = len(text) - longest
    return text if more <= 0 else f"{text[:longest]}\n... and {more:,} more characters: look into the notebook"


def with_pictures(source: str, attachments: object) -> tuple[str, list[str]]:
    """A text with a mark in the place of each picture, and the pictures."""
    pictures: list[str] = []

    def kept(match: re.Match, name: str = "") -> str:
        mark = hashlib.sha256(match[2].encode()).hexdigest()[:8]
        if len(pictures) >= MOST or sum(map(len, pictures)) + len(match[0]) > SHOWN:
            return f"picture {name} {mark}, which is not shown: look into the notebook"
        pictures.append(match[0])
        return f"picture {name} {mark}"

    source = PICTURE.sub(kept, source)
    for name, kinds in [*attachments.items()][:MOST] if isinstance(attachments, dict) else ():
        name, mark = clean(name)[:100], "of a kind that is not shown: look into the notebook"
        for kind, data in kinds.items() if isinstance(kinds, dict) else ():
            text = "".join(part for part in data if isinstance(part, str)) if isinstance(data, (list, str)) else ""
            if match := PICTURE.fullmatch(f"data:{kind};base64,{''.join(text.split())}"):
                mark = kept(match, name)
        used = [f"attachment:{form}" for form in (name, urllib.parse.quote(name)) if f"attachment:{form}" in source]
        source = source.replace(used[0], mark) if used else f"{source}\n\n[{mark}]"
    return source, pictures


def find(submitted: Sequence, manual: Collection[str], sections: Mapping[str, str], released: Collection[str]) -> Texts:
    """Find the answers that a person grades: in their cells, in their sections, or else anywhere.

    Args:
        submitted: the notebook's cells.
        manual: names of the answers' cells.
        sections: the name of the graded cell below each heading.
        released: the lines of all texts that students got.
    """
    found: dict[str, list[tuple[int, str]]] = {name: [] for name in ["", *manual]}
    texts, section, searched = Texts(), "", 0
    for number, cell in enumerate(submitted, 1):
        headings = [same(line[3:].split(" · ")[0]) for line in cell.source.splitlines() if line.startswith("## ")]
        section = next((sections[heading] for heading in headings if heading in sections), section)
        section = cell.name or section
        section = section if section in manual else ""
        if cell.kind == "code" and (not section or cell.name != section):
            searched += len(cell.source)
            if cell.name or searched > LONGEST or not _is_prose(cell.source):
                continue
        if cell.kind == "code" and section:
            texts.prose.add(number)
        lines = cell.source.splitlines()
        own = [place for place, line in enumerate(lines) if same(line) and same(line) not in released]
        if own:
            found[section].append((number, "\n".join(lines[own[0] : own[-1] + 1])))
    elsewhere = shortened("\n\n".join(f"Cell {number}:\n{text}" for number, text in found[""]), LONGEST)
    texts.lost = [number for number, _ in found[""]]
    left = SHOWN
    for name in manual:
        parts = {same(text): text for _, text in found[name]}
        texts.answers[name] = shortened("\n\n".join(parts.values()), LONGEST) or elsewhere
        texts.pictures[name] = []
        for picture in (p for number, _ in found[name] or found[""] for p in submitted[number - 1].pictures):
            left -= len(picture)
            texts.pictures[name] += [picture] if left >= 0 else []
    texts.elsewhere = elsewhere if all(found[name] for name in manual) else ""
    return texts


def _is_prose(source: str) -> bool:
    """Whether a code cell has words in it instead of code."""
    if not WORDS.search(source):
        return False
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return source.lstrip()[:1] not in ("%", "!", "?")
    return all(isinstance(line, ast.Expr) and isinstance(line.value, (ast.Constant, ast.Name)) for line in body)
