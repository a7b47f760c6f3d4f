"""Tables in plain text, whose columns stay apart."""


def text_table(rows):
    """Rows of text as lines: the first column to the left, the others to the right.

    Each column is as wide as its widest cell, and two spaces stand between two columns.

    Args:
        rows: sequences of as many texts each, the head first.
    """
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = (
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths))
        )
        for row in rows
    )
    return "\n".join(map(str.rstrip, lines))
