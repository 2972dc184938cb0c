"""YAML documents in the styles that authors use, drawn at random."""

import json
from typing import Any

from hypothesis import strategies as st


class Writer:
    """Writes a document in styles drawn at random, and knows where one of its values ends up.

    Values of ``names`` are never blocks of lines, which take in what follows on the line.
    """

    def __init__(
        self, draw: Any, target: tuple[int | str, ...], names: tuple[str, ...] = ()
    ) -> None:
        self.draw = draw
        self.target = target
        self.names = names
        self.newline = draw(st.sampled_from(["\n", "\r\n"]))
        self.text = ""
        self.span = 0, 0

    def any(self, *choices: str) -> str:
        """One of some texts."""
        return str(self.draw(st.sampled_from(choices)))

    def scalar(self, value: str, path: tuple[int | str, ...]) -> None:
        """Write a value in any quotes that can hold it."""
        simple = value.isascii() and value.isalnum() and value not in ("null", "true")
        start = len(self.text)
        self.text += self.any(*([value] if simple else []), json.dumps(value), f"'{value}'")
        if path == self.target:
            self.span = start, len(self.text)

    def end(self, indent: int) -> None:
        """End a line, perhaps with a comment, and perhaps write one that says nothing."""
        self.text += self.any("", "  ", "  # a: 'b'") + self.newline
        self.text += self.any("", "", self.newline, " " * indent + "# - c" + self.newline)

    def flow(self, node: Any, path: tuple[int | str, ...]) -> None:
        """Write a node in brackets."""
        if isinstance(node, str):
            self.scalar(node, path)
            return
        named = isinstance(node, dict)
        self.text += "{" if named else "["
        for number, (step, value) in enumerate(node.items() if named else enumerate(node)):
            self.text += self.any(", ", " , ", f",{self.newline}        ") if number else ""
            if named:
                self.text += self.any(f"{step}: ", f'"{step}": ')
            self.flow(value, (*path, step))
        self.text += self.any("", " ") + ("}" if named else "]")

    def block(self, node: Any, path: tuple[int | str, ...], indent: int) -> None:
        """Write a mapping or a list in lines; the first begins where the text ends."""
        named = isinstance(node, dict)
        for number, (step, value) in enumerate(node.items() if named else enumerate(node)):
            self.text += " " * indent if number else ""
            self.text += self.any(f"{step}:", f"'{step}':", f"{step} :") if named else "-"
            lines = (*path, step) != self.target and step not in self.names
            if isinstance(value, str) and value.isalnum() and lines:
                deeper = self.newline + " " * (indent + 2)
                self.text += " " + self.any(value, f"|-{deeper}{value}", f">-{deeper}{value}")
                self.end(indent)
            elif isinstance(value, str) or not value or self.draw(st.booleans()):
                self.text += self.any(" ", "   ")
                self.flow(value, (*path, step))
                self.end(indent)
            elif named:
                deeper = indent + self.draw(st.integers(1, 4))
                self.end(indent)
                self.text += " " * deeper
                self.block(value, (*path, step), deeper)
            else:
                gap = self.draw(st.integers(1, 3))
                self.text += " " * gap
                self.block(value, (*path, step), indent + 1 + gap)
