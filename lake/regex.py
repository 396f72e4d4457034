"""Regular expressions that mean the same to Java, which Apache Spark uses, and to Rust, which Sail uses.

A mapping's regular expression is read here and written anew: `.`, `\\d`, `\\w`, `\\s` and `(?i)` as the ASCII sets that Java
means, `$` as the very end of the text. What the two read otherwise, or what may take a server down, is refused.
"""

from lake.conversions import ExpressionError

MOST_REPEATS = 1000
MOST_GROUP_REPEATS = 200  # Java calls itself for each repetition of a group, until its stack ends
_LONGEST, _DEEPEST = 1000, 20
_SETS = {"d": "0-9", "w": "a-zA-Z0-9_", "s": " \t\n\x0b\f\r"}
_PLAIN = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_LINE_ENDS = "\n\r\u0085\u2028\u2029"


class Regex:
    """`text` is the portable rendering; `groups` how many groups it has; `matches_empty` whether an empty text matches."""

    def __init__(self, written: str) -> None:
        self._written, self._at, self.groups = written, 0, 0
        if len(written) > _LONGEST:
            raise ExpressionError(f"a regular expression of {len(written)} characters is too long; at most {_LONGEST}")
        self._any_case = written.startswith("(?i)")
        self._at = 4 if self._any_case else 0
        self.text, self.matches_empty, _ = self._alternatives(0)
        if self._at < len(written):
            self._fail("a ) has no (; write \\)")

    def _fail(self, problem: str) -> None:
        raise ExpressionError(f"{self._written!r} is not a regular expression that both engines read alike: {problem}")

    def _peek(self, count: int = 1) -> str:
        return self._written[self._at : self._at + count]

    def _next(self) -> str:
        if self._at >= len(self._written):
            self._fail("it ends too early")
        self._at += 1
        return self._written[self._at - 1]

    def _alternatives(self, depth: int) -> tuple[str, bool, bool]:
        """What stands up to the next `)` or the end: its rendering, whether it matches nothing, whether its length varies."""
        if depth > _DEEPEST:
            self._fail("its groups are nested too deeply")
        parts, empty, varies = [], False, False
        while True:
            text, is_empty, is_varied = self._sequence(depth)
            parts.append(text)
            empty, varies = empty or is_empty, varies or is_varied
            if self._peek() != "|":
                return "|".join(parts), empty, varies
            self._at += 1

    def _sequence(self, depth: int) -> tuple[str, bool, bool]:
        made, empty, varies = "", True, False
        while self._peek() not in ("", "|", ")"):
            atom, atom_empty, atom_varies, kind = self._atom(depth)
            quantifier, least, most = self._quantifier()
            if quantifier and kind == "anchor":
                self._fail("a quantifier has nothing to repeat")
            if quantifier and kind == "group" and most != 1:
                if atom_empty or atom_varies:
                    self._fail("a group that repeats may not hold *, + or {n,m}, nor match nothing; write it out")
                if most is None or most > MOST_GROUP_REPEATS:
                    self._fail(
                        f"a group repeats at most {MOST_GROUP_REPEATS} times, such as (?:a|b){{1,{MOST_GROUP_REPEATS}}}; or write [ab]+"
                    )
            made += atom + quantifier
            empty = empty and (atom_empty or least == 0)
            varies = varies or atom_varies or (bool(quantifier) and most != 1 and least != most)
        return made, empty, varies

    def _quantifier(self) -> tuple[str, int, int | None]:
        first = self._peek()
        if first in ("*", "+", "?") and first:
            self._at += 1
            made, least, most = first, int(first == "+"), (1 if first == "?" else None)
        elif first == "{":
            end = self._written.find("}", self._at)
            low, comma, high = self._written[self._at + 1 : max(end, 0)].partition(",")
            if end < 0 or not _is_number(low) or (high and not _is_number(high)) or (high and int(high) < int(low)):
                self._fail("{ begins a repetition such as {2}, {2,} or {2,5}; write \\{ for the character")
            if max(int(low), int(high or 0)) > MOST_REPEATS:
                self._fail(f"at most {MOST_REPEATS} repetitions")
            made, least = self._written[self._at : end + 1], int(low)
            most = (int(high) if high else None) if comma else least
            self._at = end + 1
        else:
            return "", 1, 1
        if self._peek() == "?":
            self._at += 1
            made += "?"
        if self._peek() and self._peek() in "*+?{":
            self._fail("one quantifier follows another")
        return made, least, most

    def _atom(self, depth: int) -> tuple[str, bool, bool, str]:
        """Rendering, whether it matches nothing, whether its length varies, and what it is."""
        char = self._next()
        if char == "(":
            opening = "("
            if self._peek() == "?":
                if self._peek(2) != "?:":
                    self._fail("of (?...) there is only (?:...), and (?i) at the very beginning")
                self._at += 2
                opening = "(?:"
            else:
                self.groups += 1
            inside, empty, varies = self._alternatives(depth + 1)
            if self._peek() != ")":
                self._fail("a ( is not closed; write \\( for the character")
            self._at += 1
            return f"{opening}{inside})", empty, varies, "group"
        if char == "[":
            return self._class(), False, False, "one"
        if char == ".":
            return f"[^{_LINE_ENDS}]", False, False, "one"
        if char in "^$":
            return ("^" if char == "^" else "\\z"), True, False, "anchor"
        if char in "*+?{}]":
            self._fail(f"{char} stands where a character is expected; write \\{char} for the character")
        if char == "\\":
            if self._peek() in ("A", "z") and self._peek():
                return "\\" + self._next(), True, False, "anchor"
            if self._peek().lower() in _SETS and self._peek():
                sign = self._next()
                return f"[{'^' if sign.isupper() else ''}{_SETS[sign.lower()]}]", False, False, "one"
            char = self._escaped()
        if self._any_case and char.isascii() and char.isalpha():
            return f"[{char.lower()}{char.upper()}]", False, False, "one"
        return ("\\" + char if char in "\\.+*?()|[]{}^$" else char), False, False, "one"

    def _escaped(self) -> str:
        """The character that stands behind a backslash."""
        char = self._next()
        if char in _PLAIN:
            return _PLAIN[char]
        if char in "xu":
            digits = self._peek(2 if char == "x" else 4)
            if len(digits) != (2 if char == "x" else 4) or any(d not in "0123456789abcdefABCDEF" for d in digits):
                self._fail(f"\\{char} takes {2 if char == 'x' else 4} hexadecimal digits")
            if 0xD800 <= int(digits, 16) < 0xE000:
                self._fail(f"\\{char}{digits} is no character")
            self._at += len(digits)
            return chr(int(digits, 16))
        if not char.isascii() or char.isalnum() or char.isspace():
            known = "\\d \\w \\s \\D \\W \\S \\t \\n \\r \\f \\xHH \\uHHHH \\A \\z"
            self._fail(f"\\{char} is not among {known}; write letters as ranges such as [A-Za-zÀ-ÿ]")
        return char

    def _class(self) -> str:
        made, none = "", True
        if self._peek() == "^":
            self._at += 1
            made = "^"
        while (char := self._next()) != "]":
            none = False
            if char == "\\" and self._peek() in _SETS and self._peek():
                made += _SETS[self._next()]
                continue
            low = self._one(char)
            if self._peek() == "-" and self._peek(2) not in ("-]", "-"):
                self._at += 1
                high = self._one(self._next())
                if high < low:
                    self._fail(f"the range {low}-{high} runs backwards")
                made += f"{_in_class(low)}-{_in_class(high)}"
                if self._any_case:
                    if (
                        not all("a" <= c <= "z" for c in (low, high))
                        and not all("A" <= c <= "Z" for c in (low, high))
                        and not (low.isdigit() and high.isdigit())
                    ):
                        self._fail("with (?i), a range runs from a to z, A to Z or 0 to 9")
                    made += f"{low.swapcase()}-{high.swapcase()}" if low.isalpha() else ""
                continue
            made += _in_class(low)
            if self._any_case and low.isascii() and low.isalpha():
                made += low.swapcase()
        if none:
            self._fail("[] holds nothing; write \\[ or \\] for the characters")
        return f"[{made}]"

    def _one(self, char: str) -> str:
        if char == "[":
            self._fail("a [ inside [...] is written \\[")
        return self._escaped() if char == "\\" else char


def _in_class(char: str) -> str:
    return "\\" + char if char in "\\[]^-&~" else char


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 6
