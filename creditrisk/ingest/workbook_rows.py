"""Prints the rows of a sheet as JSON; a program of its own, see `workbook.py`.

A workbook is read whole, by a library that ends its process if memory is short: so this process is
not the one that asked, and its memory has a bound. It imports nothing of ours.
"""

import contextlib
import json
import posixpath
import re
import resource
import sys
import zipfile
from datetime import date, datetime, time, timedelta
from typing import Any
from xml.etree import ElementTree

import python_calamine as calamine

_RELATIONS = "xl/_rels/workbook.xml.rels"
_LONGEST_CELL = 10_000  # bytes of a cell with an error: its formula, mostly
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_IS_ERROR = b't="e"'
_ERROR = re.compile(
    rb'<c (?=[^>]*\bt="e")(?=[^>]*\br="([A-Z]{1,3})(\d{1,7})")[^>]*>'
    rb"(?:(?!</c>|<v>).)*<v>(#[^<]{1,30})</v>",
    re.DOTALL,
)


def main() -> None:
    """Read the workbook on standard input; the argument has the sheet and the bounds."""
    asked = json.loads(sys.argv[1])
    _bound(resource.RLIMIT_AS, asked["memory"])
    _bound(resource.RLIMIT_CORE, 0)
    try:
        sys.stdin.buffer.seek(0)
        with calamine.load_workbook(sys.stdin.buffer) as workbook:
            _print_sheet(workbook, asked)
    except calamine.PasswordError:
        _print({"problem": "password"})
    except MemoryError:
        _print({"problem": "memory"})
    except BaseException:  # the library's panics are no Exception
        _print({"problem": "password" if _is_encrypted() else "damaged"})
    sys.stdout.flush()


def _is_encrypted() -> bool:
    """Whether the file is an .xlsx with a password: the library does not know that form."""
    sys.stdin.buffer.seek(0)
    return _ENCRYPTED in sys.stdin.buffer.read()


def _bound(what: int, limit: int) -> None:
    # A system may have a lower bound already, or not know this one.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(what, (limit, limit))


def _print_sheet(workbook: Any, asked: dict[str, Any]) -> None:
    names = [sheet.name for sheet in workbook.sheets_metadata if _has_rows(sheet)]
    shown = [sheet.name for sheet in workbook.sheets_metadata if _has_rows(sheet) and _shows(sheet)]
    wanted = asked["sheet"] if asked["sheet"] is not None else next(iter([*shown, *names]), "")
    if wanted not in names:
        _print({"problem": "sheet", "sheets": names})
        return
    sheet = workbook.get_sheet_by_name(wanted)
    _print({"sheets": names})
    errors = _errors(wanted)
    left = sheet.start[1] if sheet.start else 0
    for number, row in enumerate(sheet.iter_rows(), start=1):
        for place, text in errors.get(number, ()):
            if left <= place < left + len(row):
                row[place - left] = text
        if any(cell != "" for cell in row):
            cells = [_plain(cell, asked["cell"]) for cell in row]
            size = sum(len(cell) for cell in cells if isinstance(cell, str))
            _print([number, cells if size <= asked["record"] else None])
    _print({"problem": ""})


def _errors(sheet: str) -> dict[int, list[tuple[int, str]]]:
    """Find the cells with an error, such as #N/A, of an .xlsx: the library leaves them empty.

    Returns:
        Row, from 1, to positions, from 0, and texts.
    """
    found: dict[int, list[tuple[int, str]]] = {}
    if not zipfile.is_zipfile(sys.stdin.buffer):
        return found
    with zipfile.ZipFile(sys.stdin.buffer) as archive:
        part = _part(archive, sheet)
        if part not in archive.namelist():
            return found
        rest = b""
        with archive.open(part) as stream:
            while piece := stream.read(2**20):
                text = rest + piece
                for column, row, error in _ERROR.findall(text) if _IS_ERROR in text else ():
                    cell = (_position(column.decode()), error.decode("utf-8", "replace"))
                    found.setdefault(int(row), []).append(cell)
                rest = text[max(text.rfind(b"<c "), len(text) - _LONGEST_CELL, 0) :]
    return found


def _part(archive: zipfile.ZipFile, sheet: str) -> str:
    """Return the name of the part that has the cells of a sheet; empty if it is not found."""
    if not {"xl/workbook.xml", _RELATIONS} <= set(archive.namelist()):
        return ""
    for element in ElementTree.fromstring(archive.read("xl/workbook.xml")).iter():
        if element.tag.endswith("}sheet") and element.get("name") == sheet:
            key = next((v for name, v in element.attrib.items() if name.endswith("}id")), None)
            for relation in ElementTree.fromstring(archive.read(_RELATIONS)):
                if relation.get("Id") == key:
                    return posixpath.join("/xl", relation.get("Target", "")).lstrip("/")
    return ""


def _position(letters: str) -> int:
    place = 0
    for letter in letters:
        place = 26 * place + ord(letter) - ord("A") + 1
    return place - 1


def _has_rows(sheet: Any) -> bool:
    return sheet.typ == calamine.SheetTypeEnum.WorkSheet


def _shows(sheet: Any) -> bool:
    return sheet.visible == calamine.SheetVisibleEnum.Visible


def _plain(cell: Any, longest: int) -> Any:
    """Make a cell one of JSON: [kind, text] for what JSON has not."""
    if isinstance(cell, str):
        return cell[: longest + 1]  # a longer cell is malformed, whatever follows
    if isinstance(cell, date):  # a datetime is one
        return ["datetime" if isinstance(cell, datetime) else "date", cell.isoformat()]
    if isinstance(cell, time):
        return ["time", cell.isoformat()]
    if isinstance(cell, timedelta):
        seconds = round(cell.total_seconds())
        sign, seconds = "-" if seconds < 0 else "", abs(seconds)
        return ["time", f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"]
    return cell


def _print(value: Any) -> None:
    sys.stdout.write(json.dumps(value) + "\n")


if __name__ == "__main__":
    main()
