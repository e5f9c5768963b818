"""Text for terminals and logs."""

from collections.abc import Sequence


def one_line(text: object) -> str:
    """Return a text, or what an error says, in a single line."""
    return " ".join(str(text).split())


def align(lines: Sequence[Sequence[str]], left: int) -> str:
    """Pad the columns to their widest cells, the first ``left`` ones on the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i < left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )
