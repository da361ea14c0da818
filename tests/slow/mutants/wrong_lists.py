"""Mistakes in lib.lists: target, mistake, the text to replace and its replacement."""

WRONG = {
    "read_words": {
        "lines counted without the blank ones": (
            "(_read_text(path).splitlines(), 1) if",
            "(_read_text(path).split(), 1) if",
        ),
        "nothing said of what is removed": ("        warnings.warn(\n", "        str(\n"),
        "every list warned of": ("in removed.items() if count]", "in removed.items()]"),
        "byte-order mark becomes a letter": ('raw.decode("utf-8-sig")', 'raw.decode("utf-8")'),
        "broken bytes are ignored": ('raw.decode("utf-8-sig")', 'raw.decode("utf-8-sig", errors="ignore")'),
        "UTF-16 is tried": ('if raw.startswith((b"\\xff\\xfe", b"\\xfe\\xff")):', "if False:"),
        "words of invisible characters": (".items() if word}", ".items()}"),
    },
    "clean": {
        "capitals stay": ("_visible(line).lower()", "_visible(line)"),
        "accents stay apart from their letters": ('unicodedata.normalize("NFC", ', "str("),
        "the dot of İ stays": ('.replace("i\\u0307", "i")', ""),
        "cleaned once": ("return word if word == line else clean(word)", "return word"),
        "blanks stay": ('" ".join(kept.split())', "kept"),
        "no blank between names": ('" ".join(kept.split())', '"".join(kept.split())'),
    },
    "what is seen": {
        "all joiners go": ("    if character in JOINERS:\n", "    if character in JOINERS:\n        return False\n"),
        "all joiners stay": ("    if character in JOINERS:\n", "    if character in JOINERS:\n        return True\n"),
        "joiners at an end stay": ("if not before or not after:", "if False:"),
        "no joiner in an emoji": (' or (pictured and character == "\\u200d")', ""),
        "no joiner after a virama": ("unicodedata.combining(before[-1]) == 9 or ", ""),
        "no joiner in Persian": ("all(joined) or", "False or"),
        "variants go": ("    if character in VARIANTS:\n", "    if character in VARIANTS:\n        return False\n"),
        "variants stay": ("    if character in VARIANTS:\n", "    if character in VARIANTS:\n        return True\n"),
        "tags go": ("        return pictured\n", "        return False\n"),
        "blanks with a name of their own": (" and character not in BLANKS)", ")"),
    },
    "tables": {
        "columns are learned": (
            "in line for line in lines) > len(lines):",
            "in line for line in lines) > 9 * len(lines):",
        ),
        "one comma makes a table": ("in line for line in lines) > len(lines):", "in line for line in lines) > 0:"),
        "the first column": ("words.index(max(words))", "0"),
        "a column of numbers": ('if re.fullmatch(r"[^\\W\\d_][^\\d]*", entry)', "if entry"),
        "counts are learned": ('[\\d.,]+\\s*$", line))', '[\\d.,]+\\s*$", ""))'),
        "quotes are learned": ("QUOTED.fullmatch(line.strip())", 'QUOTED.fullmatch("")'),
        "a heading is a name": ("if len(lines) > 2 and", "if False and"),
        "markup is learned": (".startswith(MARKUP)", '.startswith("}")'),
    },
}
