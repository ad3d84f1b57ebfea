"""Bars for the README: for each set of images a panel, for each peer how many images a second of CPU makes."""

from xml.sax.saxutils import escape

STYLE = """
text { font: 13px system-ui, -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif; fill: #24292f }
.title { font-size: 17px; font-weight: 600 } .set { font-size: 14px; font-weight: 600 }
.note { font-size: 11px; fill: #6e7781 } .value { fill: #57606a } .own { font-weight: 600 }
rect { fill: #c3cad3 } rect.own { fill: #1a7f64 } rect.page { fill: #ffffff }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .note { fill: #8b949e } .value { fill: #9da7b1 }
  rect { fill: #444c56 } rect.own { fill: #2ea583 } rect.page { fill: #0d1117 }
}
"""
WIDTH, MARGIN, TOP, NAMES, VALUE, BAR, STEP, HEAD, GAP = 880, 28, 96, 122, 58, 16, 24, 16, 38


def text(x, y, kind, words, anchor="start"):
    return f'<text x="{x:g}" y="{y}" class="{kind}" text-anchor="{anchor}">{escape(words)}</text>'


def panel(left, top, width, name, rows):
    """[(peer, images a second of CPU)], the quickest above."""
    yield text(left, top, "set", name)
    longest = (width - NAMES - VALUE) / max(value for _, value in rows)
    for place, (peer, value) in enumerate(sorted(rows, key=lambda row: -row[1])):
        kind = "own" if peer.startswith("imgq") else "peer"
        bar, y = left + NAMES, top + HEAD + place * STEP
        yield text(bar - 10, y + 13, kind, peer, "end")
        yield f'<rect class="{kind}" x="{bar:g}" y="{y}" width="{max(2, longest * value):.1f}" height="{BAR}" rx="3"/>'
        figure = f"{value:,.0f}" if value >= 10 else f"{value:.1f}"
        yield text(round(bar + longest * value + 8, 1), y + 13, f"value {kind}", figure)


def draw(panels, notes):
    """The whole picture; `panels` is [(name, rows)], two beside one another; `notes` are lines below."""
    columns = min(2, len(panels))
    width = (WIDTH - (columns + 1) * MARGIN) / columns
    parts, top = [], TOP
    for number, (name, rows) in enumerate(panels):
        column = number % columns
        parts += panel(MARGIN + column * (width + MARGIN), top, width, name, rows)
        if column == columns - 1 or number == len(panels) - 1:
            top += HEAD + len(rows) * STEP + GAP
    parts += [text(MARGIN, top - 10 + 17 * line, "note", note) for line, note in enumerate(notes)]
    height = top + 17 * len(notes)
    head = [text(MARGIN, 40, "title", "Thumbnails a second of CPU time"),
            text(MARGIN, 61, "note", "500x500, JPEG of quality 80; longer is better; each panel has its own scale")]
    size = f'width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
    page = f'<rect class="page" width="{WIDTH}" height="{height}" rx="8"/>'
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">', f"<style>{STYLE}</style>",
                      page, *head, *parts, "</svg>\n"])
