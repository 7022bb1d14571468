"""What may and may not stand in a single value: one entry per simple type of the schema."""

from __future__ import annotations

import base64
import random
from typing import Callable

Draw = Callable[[random.Random], str]

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789åäöÅÄÖéß€ΩЖ漢\U0001f600\U00020bb7"
NAME_CHARACTERS = "abcXYZ019._-"
XML_SPACES = (" ", "\t", "\n", "\r")
# White space to a person, or to a library that asks Unicode, but not to XML.
OTHER_SPACES = ("\u00a0", "\u0085", "\u2003", "\u2028", "\u3000", "\u200b", "\ufeff")


def text(low: int, high: int) -> Draw:
    """One line of a length in ``low..high``, most often at an end."""

    def draw(rng: random.Random) -> str:
        length = rng.choice((low, low + 1, high - 1, high, min(high, low + 7)))
        return one_line(rng, length)

    return draw


def one_line(rng: random.Random, length: int) -> str:
    """Exactly ``length`` characters that collapsing does not change."""
    characters = rng.choices(LETTERS, k=length)
    for at in range(1, length - 1, 2):
        if rng.random() < 0.2:
            characters[at] = " "
    return "".join(characters)


def named(high: int) -> Draw:
    """A name of ``1..high`` characters of A-Z a-z 0-9 . _ -."""
    return lambda rng: "".join(
        rng.choices(NAME_CHARACTERS, k=rng.choice((1, 2, 6, high - 1, high)))
    )


def chosen(*values: str) -> Draw:
    """One of these."""
    return lambda rng: rng.choice(values)


def time(rng: random.Random) -> str:
    """An instant; often the last day of a month."""
    year = rng.choice((2000, 2024, 2026, 2027, 2100, 2400, 2999))
    month = rng.randint(1, 12)
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    last = 29 if month == 2 and leap else (28, 30, 31)[(month != 2) + (month in (1, 3, 5, 7, 8, 10, 12))]
    day = rng.choice((1, 9, 10, 19, 20, 28, last))
    clock = rng.choice(("00:00:00", "23:59:59", "09:30:00", "19:00:10"))
    fraction = rng.choice(("", ".0", ".250", ".1234567", ".123456789"))
    offset = rng.choice(("Z", "+00:00", "-00:00", "+01:00", "-13:59", "+14:00", "-14:00"))
    return f"{year}-{month:02}-{day:02}T{clock}{fraction}{offset}"


def duration(rng: random.Random) -> str:
    """A positive duration."""
    number = lambda: rng.choice(("1", "10", "007", "999999", "48"))
    days = number() + "D" if rng.random() < 0.5 else ""
    parts = [number() + unit for unit in "HMS" if rng.random() < 0.5]
    return "P" + days + ("T" + "".join(parts) if parts else "") if days or parts else "PT30S"


def encoded(rng: random.Random) -> str:
    """Base64 of 0 to 60 bytes, in lines or in one."""
    data = base64.b64encode(rng.randbytes(rng.choice((0, 1, 2, 3, 4, 57, 60)))).decode()
    width = rng.choice((4, 10, 76))
    return rng.choice((" ", "\n", "\r\n")).join(
        data[at : at + width] for at in range(0, len(data), width)
    )


def href(rng: random.Random) -> str:
    """An address, at times of the greatest length."""
    start = rng.choice(("http://a", "https://crm.bank.se/kund/Åberg?x=1&y=[2]#z", "http://[::1]:80/"))
    return start + "x" * (rng.choice((0, 1, 1999 - len(start), 2000 - len(start))))


def uuid(rng: random.Random) -> str:
    """A UUID in either case."""
    digits = rng.choice(("0123456789abcdef", "0123456789ABCDEF", "0123456789aBcDeF"))
    return "-".join("".join(rng.choices(digits, k=n)) for n in (8, 4, 4, 4, 12))


# type: (what is valid, what is wrong or on the edge)
TYPES: dict[str, tuple[Draw, tuple[str, ...]]] = {
    "reference": (text(1, 128), ("", "x" * 129, "\U0001f600" * 128, "\U0001f600" * 129)),
    "serviceName": (named(32), ("", "a" * 33, "a b", "å", "a/b", "a:b", "a+b")),
    "name": (named(64), ("", "a" * 65, "a b", "ä", "a,b")),
    "key": (named(100), ("", "a" * 101, "a b", "é", "a=b")),
    "label": (text(1, 64), ("", "x" * 65, "\U0001f600" * 65)),
    "title": (text(1, 200), ("", "x" * 201, "x  " * 100, " " + "\U0001f600" * 200 + " ")),
    "description": (text(0, 8000), ("x" * 8001, " " * 8000, " " * 8001, "\n" * 8000)),
    "reason": (text(0, 1000), ("x" * 1001, " x" * 500, " " * 2000)),
    "customerName": (text(0, 100), ("x" * 101, "ö" * 101)),
    "phone": (text(0, 40), ("x" * 41, "+46 (0)8 123 45 67")),
    "email": (text(0, 254), ("x" * 255, "anna@bank.se")),
    "contactDataValue": (text(0, 1024), ("x" * 1025, " " * 1024, " " * 1025, "\U0001f600" * 1024)),
    "linkName": (text(1, 100), ("", "x" * 101)),
    "href": (href, ("", "http://", "https:///a", "ftp://a", "HTTP://a", "javascript:x", "http://a b",
                    "http://a/{x}", "http://a/<", 'http://a/"', "http://a/`", "http://a/|",
                    "http://a/\\", "http://a/^", "http://?q", "//a", "a", "http://a/\x85",
                    "http://a/\U0001f600", "http://" + "a" * 1994, "http:/a", " http://a ")),
    "fileName": (chosen("a.pdf", "Ansökan (1).pdf", "..a", "a.", "x" * 255, "10:30.wav", "\U0001f600"),
                 ("", ".", "..", "...", "a/b", "a\\b", "/", "x" * 256, "a\x7fb", "a\x9fb", "a\u00a0b")),
    "mediaType": (chosen("application/pdf", "image/svg+xml", "audio/x-a_b.c", "a/" + "b" * 125, "A/B"),
                  ("", "pdf", "a/", "/a", "a/b/c", "text/plain; charset=utf-8", "a/" + "b" * 126,
                   "a/+b", "a /b", "ä/b", "a/b^c&d$e#f!g", "*/*")),
    "sha256": (chosen("0" * 64, "aF" * 32), ("", "0" * 63, "0" * 65, "g" * 64, " " + "0" * 64)),
    "base64": (encoded, ("A", "AA", "AAA", "AB==", "AAB=", "AA= =", "A A A A", "AA==AAAA", "A==",
                         "=", "====", "AA=A", "A-_A", "A.AAA", "AAAAA", "A\u00a0AAA", "AAÅA", "AAAA\n\n")),
    "cursor": (text(1, 128), ("", "x" * 129)),
    "itemState": (chosen("scheduled", "inWorkflow", "buffered", "queued", "offered", "connected",
                         "parked", "ended"), ("", "Queued", "done", "in workflow")),
    "priority": (chosen(*"0123456789"), ("", "10", "-1", "+5", "05", "-0", "5.0", "٥", "５", "x", "5 5")),
    "rank": (chosen("1", "2", "9", "10", "98", "99"), ("", "0", "100", "+1", "01", "-1", "1.0", "१")),
    "level": (chosen(*"123456789"), ("", "0", "10", "+1", "01", "-0")),
    "version": (chosen("1", "10", "999999999"), ("", "0", "01", "+1", "1000000000", "-1", "1e3")),
    "time": (time, ("", "2026-11-20", "2026-11-20T14:03:11", "2026-11-20T24:00:00Z", "2026-13-01T00:00:00Z",
                    "2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2026-04-31T00:00:00Z",
                    "2026-11-00T00:00:00Z", "2026-00-01T00:00:00Z", "1999-12-31T23:59:59Z",
                    "3000-01-01T00:00:00Z", "2026-11-20T14:03:60Z", "2026-11-20T14:60:11Z",
                    "2026-11-20T14:03:11+14:01", "2026-11-20T14:03:11+15:00", "2026-11-20t14:03:11z",
                    "2026-11-20T14:03:11.Z", "2026-11-20T14:03:11.1234567890Z", "2026-11-20T14:03Z",
                    "-2026-11-20T14:03:11Z", "2026-11-20 14:03:11Z", "٢٠٢٦-11-20T14:03:11Z",
                    "2026-11-20T14:03:11+0100", "02026-11-20T14:03:11Z", "2026-11-20T14:03:11,5Z")),
    "duration": (duration, ("", "P", "PT", "P1DT", "P0D", "PT0S", "P0DT0H0M0S", "P1Y", "P1M", "P1W", "-P1D",
                            "+P1D", "PT1.5S", "P1000000D", "PT1S1M", "PT1H1D", "P1H", "1D", "P1D T1H",
                            "p1d", "PT١S", "P0DT1S", "PT1000000S", "PT1H1000000M", "PT1000000H1S", "P1DT0000001M",
                            "PT999999H999999M999999S", "PT000000S", "PT000001S")),
    "boolean": (chosen("true", "false", "1", "0"), ("", "TRUE", "True", "yes", "2", "01", "null")),
    "nothing": (lambda _: "", ("x", "0", " x ")),
    "itemId": (uuid, ("", "x", "0" * 32, "{01934d3c-1111-7000-8000-000000000001}",
                      "01934d3c-1111-7000-8000-00000000001", "g1934d3c-1111-7000-8000-000000000001")),
}


def valid(name: str, rng: random.Random) -> str:
    """A valid value of a type."""
    return TYPES[name][0](rng)


def doubtful(name: str, rng: random.Random) -> str:
    """A value that is often, not always, wrong: from the list, or a valid one with a twist."""
    wrong = TYPES[name][1]
    if rng.random() < 0.5:
        return rng.choice(wrong)
    return _twist(valid(name, rng), rng)


def _twist(value: str, rng: random.Random) -> str:
    at = rng.randint(0, len(value))
    space = rng.choice(XML_SPACES) * rng.randint(1, 3)
    odd = rng.choice(OTHER_SPACES)
    return rng.choice((
        space + value, value + space, space + value + space, value[:at] + space + value[at:],
        odd + value, value + odd, value[:at] + odd + value[at:],
        value[:at] + rng.choice(LETTERS) + value[at:], value[:at] + value[at + 1:],
        value.upper(), value.lower(), value + value, "+" + value, "0" + value, "-" + value, odd, space,
    ))
