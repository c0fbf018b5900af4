"""A small picture that says a node's level: text in SVG, without script, style or font of its own."""

from harvest.checker.checks import Level

_COLOURS = {Level.NONE: "#9b1c1c", Level.L0: "#7a3b00", Level.L1: "#0b5a63", Level.L2: "#14603a"}
_UNKNOWN = "#4d5f65"


def badge(level: Level | None) -> str:
    """The picture; None for a node that was not checked yet."""
    text = "?" if level is None else "–" if level is Level.NONE else level.value
    colour = _UNKNOWN if level is None else _COLOURS[level]
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="80" height="20" viewBox="0 0 80 20" role="img">'
        f"<title>CHM {text}</title>"
        '<rect width="48" height="20" rx="3" fill="#1b2a2e"/>'
        f'<rect x="44" width="36" height="20" rx="3" fill="{colour}"/>'
        '<g fill="#fff" font-family="sans-serif" font-size="12" text-anchor="middle">'
        f'<text x="22" y="14">CHM</text><text x="62" y="14">{text}</text></g></svg>\n'
    )
