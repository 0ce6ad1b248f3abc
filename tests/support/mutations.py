"""Ways to break a file of comma-separated text; `MUTATIONS` is the registry."""

from collections.abc import Callable

import numpy as np

from tests.support.defects import pick

MUTATIONS: dict[str, Callable[[np.random.Generator, bytes], bytes]] = {}


def mutation(function):
    MUTATIONS[function.__name__] = function
    return function


def lines_of(data: bytes) -> list[bytes]:
    return data.splitlines(keepends=True)


def splice(rng, data: bytes, piece: bytes, times: int = 1) -> bytes:
    """Insert a piece at random places."""
    for _ in range(times):
        at = int(rng.integers(len(data) + 1))
        data = data[:at] + piece + data[at:]
    return data


def in_a_cell(rng, data: bytes, text: bytes, times: int = 1) -> bytes:
    """Put a text in the place of a cell below the header."""
    lines = lines_of(data)
    for _ in range(times):
        i = int(rng.integers(1, len(lines)))
        cells = lines[i].rstrip(b"\r\n").split(b",")
        cells[int(rng.integers(len(cells)))] = text
        lines[i] = b",".join(cells) + b"\n"
    return b"".join(lines)


@mutation
def bytes_flipped(rng, data):
    out = bytearray(data)
    for at in rng.integers(len(out), size=int(rng.integers(1, 8))):
        out[at] ^= 1 << int(rng.integers(8))
    return bytes(out)


@mutation
def bytes_flipped_below_the_header(rng, data):
    head, *rest = lines_of(data)
    return head + bytes_flipped(rng, b"".join(rest))


@mutation
def truncated(rng, data):
    return data[: int(rng.integers(len(data)))]


@mutation
def beginning_lost(rng, data):
    return data[int(rng.integers(len(data))) :]


@mutation
def delimiters_swapped(rng, data):
    return data.replace(b",", pick(rng, (b";", b"\t", b"|", b" ", b"::", b"")))


@mutation
def some_delimiters_swapped(rng, data):
    head, *rest = lines_of(data)
    return head + b"".join(r.replace(b",", b";") if rng.random() < 0.3 else r for r in rest)


@mutation
def huge_field(rng, data):
    return in_a_cell(rng, data, pick(rng, (b"x", b"9", b"9,", b"  ", b"\xc3\xa9")) * 300_000)


@mutation
def huge_header(rng, data):
    return b"x" * 300_000 + data


@mutation
def nul_bytes(rng, data):
    return splice(rng, data, b"\0" * int(rng.integers(1, 5)), int(rng.integers(1, 6)))


@mutation
def nul_in_cells(rng, data):
    return in_a_cell(rng, data, pick(rng, (b"\0", b"1\0", b"\0\0 2")), 5)


@mutation
def ten_thousand_columns(rng, data):
    head, *rest = lines_of(data)
    names = b"".join(b",x%d" % i for i in range(10_000))
    wide = pick(rng, (b"," * 10_000, b",1" * 10_000, b""))
    rest = [r.rstrip(b"\r\n") + (wide if rng.random() < 0.9 else b"") + b"\n" for r in rest[:20]]
    return head.rstrip(b"\r\n") + names + b"\n" + b"".join(rest)


@mutation
def one_wide_row(rng, data):
    return in_a_cell(rng, data, b"," * 10_000)


@mutation
def quotes(rng, data):
    return splice(rng, data, b'"', int(rng.integers(1, 6)))


@mutation
def quote_opens_a_cell(rng, data):
    return in_a_cell(
        rng, data, pick(rng, (b'"', b'"1', b'"1"2', b'""1', b'"""')), pick(rng, (1, 2, 3))
    )


@mutation
def random_unicode(rng, data):
    points = [int(p) for p in rng.integers(1, 0x10FFFF, size=20) if not 0xD800 <= p < 0xE000]
    return in_a_cell(rng, data, "".join(map(chr, points)).replace("\n", "").encode(), 10)


@mutation
def odd_unicode(rng, data):
    odd = (
        "\u2028",
        "\u0085",
        "\u200b1",
        "\u202e2",
        "\ufeff1",
        "\x1c",
        "\u0662",
        "\uff12",
        "\u22121",
        "1\u0301",
        "²",
    )
    return in_a_cell(rng, data, pick(rng, odd).encode(), 10)


@mutation
def odd_unicode_in_the_header(rng, data):
    return (
        splice(rng, lines_of(data)[0], pick(rng, (b"\xe2\x80\xa8", b"\x1b[31m", b"\0", b"\x0b")), 3)
        + data
    )


@mutation
def surrogates(rng, data):
    return in_a_cell(rng, data, b"\xed\xa0\x80")


@mutation
def lone_carriage_returns(rng, data):
    return splice(rng, data, b"\r", int(rng.integers(1, 8)))


@mutation
def other_line_ends(rng, data):
    return data.replace(b"\n", pick(rng, (b"\r", b"\r\n", b"\n\r", b"\r\r\n", b"\x0b", b"")))


@mutation
def header_repeated(rng, data):
    lines = lines_of(data)
    for _ in range(int(rng.integers(1, 10))):
        lines.insert(int(rng.integers(1, len(lines))), lines[0])
    return b"".join(lines)


@mutation
def header_lost(rng, data):
    return b"".join(lines_of(data)[1:])


@mutation
def header_column_renamed(rng, data):
    head, *rest = lines_of(data)
    names = head.split(b",")
    names[int(rng.integers(len(names)))] = pick(
        rng, (b"", b"verw", b"moraal", b'"', b"\xff", b"y" * 90)
    )
    return b",".join(names).rstrip(b"\r\n") + b"\n" + b"".join(rest)


@mutation
def lines_mixed(rng, data):
    lines = lines_of(data)
    return b"".join(lines[i] for i in rng.permutation(len(lines)))


@mutation
def lines_doubled(rng, data):
    head, *rest = lines_of(data)
    return head + b"".join(rest * int(rng.integers(2, 5)))


@mutation
def blank_lines(rng, data):
    return splice(rng, b"\n\r\n \n" + data, b"\n", 30)


@mutation
def trailing_delimiters(rng, data):
    return data.replace(b"\n", b",\n")


@mutation
def other_encoding(rng, data):
    return data.decode().encode(pick(rng, ("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "cp500")))


@mutation
def bytes_at_random(rng, data):
    return rng.bytes(int(rng.integers(2000)))


@mutation
def random_bytes_below_the_header(rng, data):
    return lines_of(data)[0] + rng.bytes(2000)


@mutation
def next_to_nothing(rng, data):
    head = lines_of(data)[0]
    return pick(
        rng,
        (b"", b"\n", b"\xef\xbb\xbf", b"\xff\xfe", head, head.rstrip(), head + b"\n\n", b'"', b","),
    )


@mutation
def absurd_numbers(rng, data):
    absurd = (
        b"9" * 5000,
        b"1e999999999",
        b"-0",
        b"1e-400",
        b"." * 50,
        b"1" + b",000" * 900,
        b"+" * 99,
        b"nan",
    )
    return in_a_cell(rng, data, pick(rng, absurd), 20)


@mutation
def targets_spoilt(rng, data):
    head, *rest = lines_of(data)
    return head + b"".join(r.rstrip(b"\r\n01") + pick(rng, (b"1", b"", b"?")) + b"\n" for r in rest)


@mutation
def cells_copied_about(rng, data):
    cells = data.split(b",")
    for a, b in rng.integers(len(cells), size=(40, 2)):
        cells[a] = cells[b]
    return b",".join(cells)
