"""Make ladder.png, README's picture: python notebooks/figures/make_ladder.py"""

from pathlib import Path

from lib import plots

Path(__file__).with_name("ladder.png").write_bytes(plots.png_of(plots.ladder(), dpi=110))
