"""What is wrong with a request: where, what, and how to mend it."""

import json

from starlette.responses import Response

from creditrisk.core.escape import printable

LONGEST = 400


class RequestError(Exception):
    """A request can't be answered.

    Args:
        status: the HTTP status.
        where: the place in the request, such as `applicants[0].agee`.
        what: what is wrong.
        hint: how to mend it.
        headers: of the answer.
    """

    def __init__(
        self, status: int, where: str, what: str, hint: str, headers: dict[str, str] | None = None
    ):
        super().__init__(f"{where}: {what}. {hint}")
        self.status, self.headers = status, headers
        self.where, self.what, self.hint = (_cut(part) for part in (where, what, hint))

    @property
    def tree(self) -> dict[str, dict[str, str]]:
        """The body of the answer."""
        return {"error": {"where": self.where, "what": self.what, "hint": self.hint}}


def _cut(text: str) -> str:
    text = printable(text)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def json_response(
    tree: object, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """Make an answer of JSON; a number that is not finite would be a bug."""
    content = json.dumps(tree, allow_nan=False, separators=(",", ":"))
    return Response(content, status, headers, "application/json")


def error_response(error: RequestError) -> Response:
    """Make the answer to a request that can't be answered."""
    return json_response(error.tree, error.status, error.headers)
