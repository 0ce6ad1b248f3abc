"""Writes small workbooks by hand: zip files of XML, of records in .xlsb."""

import datetime
import struct
import zipfile
from html import escape
from pathlib import Path

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
STYLES = (0, 14, 22, 46)  # number formats: general, date, date and time, duration
DAY_0 = datetime.datetime(1899, 12, 30)


class Error(str):
    """A cell with an error, such as #N/A."""


class Number(str):
    """A number as it stands in the file."""


def xlsx(path: Path, sheets: dict[str, list[list[object]]], hidden: tuple[str, ...] = ()) -> Path:
    """Write a workbook of sheets; None is an empty cell."""
    relations = [("styles", "styles.xml")]
    relations += [("worksheet", f"worksheets/sheet{i}.xml") for i in range(1, len(sheets) + 1)]
    state = dict.fromkeys(hidden, ' state="hidden"')
    listed = "".join(
        f'<sheet name="{escape(name)}" sheetId="{i}" r:id="r{i}"{state.get(name, "")}/>'
        for i, name in enumerate(sheets, start=1)
    )
    formats = "".join(f'<xf numFmtId="{number}"/>' for number in STYLES)
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"/>',
        "_rels/.rels": _relations([("officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{listed}</sheets>'
        "</workbook>",
        "xl/_rels/workbook.xml.rels": _relations(relations),
        "xl/styles.xml": f'<styleSheet xmlns="{MAIN}"><cellXfs>{formats}</cellXfs></styleSheet>',
    }
    for i, rows in enumerate(sheets.values(), start=1):
        body = "".join(_row(number, row) for number, row in enumerate(rows, start=1))
        body = f'<worksheet xmlns="{MAIN}"><sheetData>{body}</sheetData></worksheet>'
        parts[f"xl/worksheets/sheet{i}.xml"] = body
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, HEAD + text)
    return path


def _relations(targets: list[tuple[str, str]]) -> str:
    listed = "".join(
        f'<Relationship Id="r{i}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for i, (kind, target) in enumerate(targets)
    )
    return f'<Relationships xmlns="{PACKAGE}/relationships">{listed}</Relationships>'


def _row(number: int, cells: list[object]) -> str:
    written = "".join(
        _cell(f"{column(place)}{number}", cell) for place, cell in enumerate(cells) if cell != ""
    )
    return f'<row r="{number}">{written}</row>' if written else ""


def column(place: int) -> str:
    """The letters of a column, from 0."""
    return (column(place // 26 - 1) if place >= 26 else "") + chr(ord("A") + place % 26)


def _cell(place: str, cell: object) -> str:
    if cell is None:
        return f'<c r="{place}" s="1"/>'  # formatted, and empty
    if isinstance(cell, Error):
        return f'<c r="{place}" t="e"><f>1/0</f><v>{cell}</v></c>'
    if isinstance(cell, bool):
        return f'<c r="{place}" t="b"><v>{int(cell)}</v></c>'
    if isinstance(cell, datetime.datetime):
        return f'<c r="{place}" s="2"><v>{(cell - DAY_0) / datetime.timedelta(1)!r}</v></c>'
    if isinstance(cell, datetime.date):
        return f'<c r="{place}" s="1"><v>{(cell - DAY_0.date()).days}</v></c>'
    if isinstance(cell, datetime.timedelta):
        return f'<c r="{place}" s="3"><v>{cell / datetime.timedelta(1)!r}</v></c>'
    if isinstance(cell, int | float | Number):
        return f'<c r="{place}"><v>{cell}</v></c>'
    text = escape(str(cell), quote=False)
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


def ods(path: Path, rows: list[list[str]]) -> Path:
    """Write an OpenDocument spreadsheet of texts."""
    space = "urn:oasis:names:tc:opendocument:xmlns"
    names = "".join(f' xmlns:{name}="{space}:{name}:1.0"' for name in ("office", "table", "text"))
    table = "".join(f"<table:table-row>{_ods_cells(row)}</table:table-row>" for row in rows)
    body = f'<office:spreadsheet><table:table table:name="One">{table}</table:table>'
    content = f"<office:document-content{names}><office:body>{body}</office:spreadsheet>"
    manifest = f'<m:manifest xmlns:m="{space}:manifest:1.0"/>'
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", f"{HEAD}{content}</office:body></office:document-content>")
        archive.writestr("META-INF/manifest.xml", HEAD + manifest)
    return path


def _ods_cells(row: list[str]) -> str:
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    return "".join(
        cell.format(escape(text, quote=False)) if text else "<table:table-cell/>" for text in row
    )


def xlsb(path: Path, rows: list[list[str | float]]) -> Path:
    """Write a workbook of binary records with a sheet of texts and numbers."""
    book = (
        _record(143)
        + _record(156, struct.pack("<II", 0, 1) + _wide("r0") + _wide("One"))
        + _record(144)
    )
    sheet = b"".join(
        _record(0, struct.pack("<I", number) + bytes(17))
        + b"".join(_binary_cell(place, cell) for place, cell in enumerate(row))
        for number, row in enumerate(rows)
    )
    size = struct.pack("<IIII", 0, len(rows) - 1, 0, len(rows[0]) - 1)
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"/>',
        "_rels/.rels": _relations([("officeDocument", "xl/workbook.bin")]),
        "xl/_rels/workbook.bin.rels": _relations([("worksheet", "worksheets/sheet1.bin")]),
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, HEAD + text)
        archive.writestr("xl/workbook.bin", _record(131) + book + _record(132))
        archive.writestr(
            "xl/worksheets/sheet1.bin",
            _record(129) + _record(148, size) + _record(145) + sheet + _record(146) + _record(130),
        )
    return path


def _record(kind: int, content: bytes = b"") -> bytes:
    number = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
    return number + bytes([len(content)]) + content


def _wide(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def _binary_cell(place: int, cell: str | float) -> bytes:
    start = struct.pack("<II", place, 0)
    if isinstance(cell, str):
        return _record(6, start + _wide(cell))
    return _record(5, start + struct.pack("<d", cell))
