"""The service: its paths, and what each of them does."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import anyio
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, Response
from starlette.exceptions import HTTPException

from creditrisk.champion.self_check import TOLERANCE
from creditrisk.core.errors import InputError
from creditrisk.ingest.exact_csv import ExactCsvReader
from creditrisk.prepare.cells import Notation
from creditrisk.score.api import ChampionModel
from creditrisk.score.applicants import Names
from creditrisk.score.counts import Counts
from creditrisk.score.output import CSV, open_writer
from creditrisk.score.scorer import Explained, Judged, Scorer, Texts
from creditrisk.score.what_if import Alternative, WhatIf
from creditrisk.serve import answers, shapes, strict_json
from creditrisk.serve import requests as asked
from creditrisk.serve.errors import RequestError, error_response, json_response
from creditrisk.serve.events import Events
from creditrisk.serve.form import REASONS, FormPage, entered
from creditrisk.serve.guard import Guard, log_line
from creditrisk.serve.settings import Keys
from creditrisk.serve.telemetry import Telemetry

# More rows than that are scored in a thread, so that others are answered meanwhile.
INLINE_ROWS = 4
CSV_REASONS = 4  # as commands.score has it
JSON, CSV_TYPE, FORM = "application/json", "text/csv", "application/x-www-form-urlencoded"
_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": shapes.ErrorAnswer} for status in (401, 413, 415, 422)
}
_READ_ERRORS: dict[int | str, dict[str, Any]] = {401: {"model": shapes.ErrorAnswer}}
Done = TypeVar("Done")


@dataclass
class State:
    """What the service knows of itself.

    Attributes:
        draining: it is about to stop.
        largest_difference: of the self-check, None before it.
    """

    draining: bool = False
    largest_difference: float | None = None


class Service:
    """Scores requests by one champion.

    Args:
        model: the champion.
        keys: the keys of the clients.
        events: keeps scored rows; None for nothing.
        revision: of the code and the model in Git, if it is known.
        description_sha256: hash of models/champion.json.
    """

    def __init__(
        self,
        model: ChampionModel,
        keys: Keys,
        events: Events | None = None,
        revision: str | None = None,
        description_sha256: str = "",
    ):
        self.champion, self.data = model.champion, model.data
        self.notation: Notation = model.scorer.notation
        self.scorer = Scorer(self.champion, self.notation, REASONS)
        self.what_if = WhatIf(self.scorer)
        self.changeable = self.what_if.variables
        self.names = Names(self.champion.schema)
        self.telemetry = Telemetry(self.champion)
        self.keys, self.events, self.state = keys, events, State()
        self.form = FormPage(self.champion, events is not None)
        self.model_tree = answers.model_tree(self.champion)
        self.about = answers.about(self.champion, description_sha256, revision)

    def self_check(self) -> None:
        """Score the stored applicants, and compare with their stored PDs."""
        check = self.champion.description.self_check
        self.state.largest_difference = check.largest_difference(self.champion.predictor)

    @property
    def passes(self) -> bool:
        """Whether the stored applicants got their stored PDs."""
        found = self.state.largest_difference
        return found is not None and found <= TOLERANCE

    def judge(self, request: Request, found: asked.Asked) -> tuple[Judged, Explained | None]:
        """Score applicants, count them and keep them."""
        judged = self.scorer.judge(found.texts)
        explained = self.scorer.explain(judged, found.reasons) if found.reasons else None
        self._count(request, found.texts, judged)
        return judged, explained

    async def alternatives(self, judged: Judged, most: int) -> list[list[Alternative]]:
        """Find what would change decisions, in a thread: others are answered meanwhile."""
        return await anyio.to_thread.run_sync(lambda: self.what_if.find(judged, most))

    def _count(self, request: Request, texts: Texts, judged: Judged) -> None:
        self.telemetry.scored(judged)
        request.state.rows = len(judged.pd)
        if self.events is not None:
            try:
                self.events.append(request.state.request_id, texts, judged)
            except OSError as error:
                # The applicant gets an answer; who watches the service sees that a row is lost.
                self.telemetry.lost_events.inc(len(judged.pd))
                log_line(error="scored rows could not be kept", why=error.strerror or str(error))

    def score_csv(self, request: Request, body: bytes, reasons: int) -> bytes:
        """Score a CSV, as `commands.score` does."""
        reader = ExactCsvReader(
            io.BytesIO(body), "body", self.data, self.champion.schema, asked.MOST_APPLICANTS + 1,
            False,
        )  # fmt: skip
        try:
            batches = list(reader)
            asked.check_count(sum(map(len, batches)), "body")
            counts, file = Counts(self.champion.schema), io.BytesIO()
            scorer = Scorer(self.champion, self.notation, reasons)
            parts = [scorer.score(raw) for raw in batches]
            with open_writer(file, CSV, scorer.columns(batches[0]), False) as writer:
                for scored in parts:
                    writer.write(scored.rows)
                    counts.add(scored)
            counts.check("body", None)
            for scored in parts:
                self._count(request, scored.texts, scored.judged)
        except InputError as error:
            raise RequestError(422, *_parts(error)) from None
        request.state.rows = counts.rows  # those of all batches
        return file.getvalue()


def _parts(error: InputError) -> tuple[str, str, str]:
    """Split an error's line into where, what and hint."""
    file, location, rest = str(error).split(": ", 2)
    what, _, hint = rest.partition(". ")
    if "params.yaml" in hint or "--" in hint:  # which is for whoever runs the service
        hint = "GET /v1/model lists the columns and what may be in them."
    return location or file, what, hint


def build_app(service: Service) -> FastAPI:
    """Build the application.

    Args:
        service: scores.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        keeper = asyncio.create_task(_rotate(service)) if service.events is not None else None
        yield
        if keeper is not None and service.events is not None:
            keeper.cancel()
            with suppress(asyncio.CancelledError):
                await keeper
            service.events.rotate(at_once=True)

    app = FastAPI(
        title="Credit risk",
        version=service.champion.description.model_sha256[:12],
        description="PDs, points, decisions and reasons for applicants, by one champion model.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    _pages(app, service)
    _version_1(app, service)
    _watching(app, service)
    _protocols(app, service)

    @app.exception_handler(RequestError)
    async def refused(request: Request, error: RequestError) -> Response:
        return error_response(error)

    @app.exception_handler(HTTPException)
    async def unknown(request: Request, error: HTTPException) -> Response:
        headers = dict(error.headers or {})
        if error.status_code == 405:  # a path has a route per method, of which one has answered
            headers["allow"] = ", ".join(sorted(_methods(app, request.url.path)))
        hint = "GET /openapi.json lists the paths."
        return error_response(
            RequestError(error.status_code, "path", str(error.detail), hint, headers)
        )

    known = {route.path for route in app.routes if hasattr(route, "path")}
    app.add_middleware(
        Guard,
        keys=service.keys,
        telemetry=service.telemetry,
        model=service.champion.description.model_sha256,
        known=known,
        draining=lambda: service.state.draining,
    )
    return app


def _methods(app: FastAPI, path: str) -> set[str]:
    routes = (route for route in app.routes if getattr(route, "path", None) == path)
    return {method for route in routes for method in getattr(route, "methods", ())}


async def _rotate(service: Service) -> None:
    while service.events is not None:
        await asyncio.sleep(5)
        try:
            service.events.rotate()
        except OSError as error:
            log_line(error="the file of scored rows could not be finished", why=error.strerror)


async def _run(work: Callable[[], Done], rows: int) -> Done:
    if rows <= INLINE_ROWS:
        return work()
    return await anyio.to_thread.run_sync(work)


async def _scored(
    service: Service, request: Request, read: Callable[[Any, Names, str], asked.Asked]
) -> tuple[asked.Asked, Judged, Explained | None]:
    """Score the applicants in a body of JSON.

    Args:
        service: scores.
        request: has the body.
        read: finds the applicants in what was parsed.
    """
    tree = strict_json.parse(await _body(request, JSON))
    found = read(tree, service.names, service.data.decimal)
    return found, *await _run(lambda: service.judge(request, found), found.count)


async def _body(request: Request, kind: str) -> bytes:
    """Return the body, if it is of the kind.

    Raises:
        RequestError: 415.
    """
    given = request.headers.get("content-type", "")
    name, _, rest = given.partition(";")
    charset = rest.strip().lower().replace('"', "").removeprefix("charset=")
    if name.strip().lower() != kind or charset not in ("", "utf-8", "utf8"):
        hint = f"Send Content-Type: {kind}."
        raise RequestError(415, "header Content-Type", f"not {kind} in UTF-8", hint)
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        hint = "Send the body as it is."
        raise RequestError(415, "header Content-Encoding", "compressed", hint)
    return await request.body()


def _pages(app: FastAPI, service: Service) -> None:
    html: dict[str, Any] = {"response_class": HTMLResponse}
    # Also where the page is HTML, what is refused before it is JSON.
    shape = {"$ref": "#/components/schemas/ErrorAnswer"}
    refusal = {"description": "Refused", "content": {JSON: {"schema": shape}}}

    @app.get("/", summary="A form for one applicant", responses={401: refusal}, **html)
    async def form() -> HTMLResponse:
        return HTMLResponse(service.form.page())

    responses: dict[int | str, dict[str, Any]] = {
        422: {"description": "The form, with what is wrong", "content": {"text/html": {}}},
        **dict.fromkeys((401, 413, 415), refusal),
    }
    extra = shapes.form_body(service.champion.schema)

    @app.post(
        "/", summary="The decision for one applicant", openapi_extra=extra, responses=responses,
        **html,
    )  # fmt: skip
    async def decide(request: Request) -> HTMLResponse:
        body = await _body(request, FORM)
        try:
            values = entered(body, service.names)
        except RequestError as error:
            return HTMLResponse(service.form.page(error=error), error.status)
        found = asked.read_rows([values], "applicants", service.names, service.data.decimal)
        judged, explained = service.judge(request, asked.Asked(found, 1, REASONS))
        choices = None
        if service.changeable and service.what_if.asked(judged).any():
            [choices] = await service.alternatives(judged, asked.MOST_WHAT_IF)
        return HTMLResponse(service.form.page(values, judged, explained, alternatives=choices))


def _version_1(app: FastAPI, service: Service) -> None:
    schema = service.champion.schema

    @app.post(
        "/v1/score", summary="Score applicants", openapi_extra=shapes.score_body(schema),
        responses={200: {"model": shapes.ScoreAnswer}, **_ERRORS},
    )  # fmt: skip
    async def score(request: Request) -> Response:
        found, judged, explained = await _scored(service, request, asked.applicants)
        choices = None
        if found.what_if is not None:
            choices = await service.alternatives(judged, found.what_if)
        known = service.scorer.referral_reasons(judged) if explained is None else explained.reasons
        results = answers.results(judged, known, choices)
        return json_response({"model": service.model_tree, "results": results})

    reasons_parameter = {
        "name": "reasons", "in": "query", "required": False,
        "schema": {"type": "integer", "minimum": 0, "maximum": asked.MOST_REASONS,
                   "default": CSV_REASONS},
    }  # fmt: skip

    @app.post(
        "/v1/score.csv", summary="Score a CSV",
        openapi_extra=shapes.csv_body() | {"parameters": [reasons_parameter]},
        responses={
            200: {"description": "The columns of commands.score",
                  "content": {"text/csv": {"schema": {"type": "string"}}}},
            **_ERRORS,
        },
    )  # fmt: skip
    async def score_csv(request: Request) -> Response:
        body = await _body(request, CSV_TYPE)
        reasons = _reasons_of_query(request)
        content = await anyio.to_thread.run_sync(lambda: service.score_csv(request, body, reasons))
        return Response(content, media_type="text/csv; charset=utf-8")

    @app.get(
        "/v1/model", summary="The model", response_model=shapes.ModelAnswer, responses=_READ_ERRORS
    )
    async def model() -> Response:
        return json_response(service.about)


def _reasons_of_query(request: Request) -> int:
    for name in request.query_params:
        if name != "reasons":
            hint = "The only parameter is reasons."
            raise RequestError(422, f"query {name}", "unknown parameter", hint)
    given = request.query_params.getlist("reasons")
    if not given:
        return CSV_REASONS
    text = given[0]
    digits = len(given) == 1 and text.isascii() and text.isdecimal() and len(text) < 4
    if not digits or int(text) > asked.MOST_REASONS:
        what = f"not a whole number from 0 to {asked.MOST_REASONS}"
        raise RequestError(422, "query reasons", what, "Leave it out for 4.")
    return int(text)


def _watching(app: FastAPI, service: Service) -> None:
    health: dict[str, Any] = {"response_model": shapes.Health}

    @app.get("/health/live", summary="Whether the process answers", **health)
    async def live() -> Response:
        return json_response({"status": "ok"})

    @app.get(
        "/health/ready", summary="Whether the stored applicants get their stored PDs",
        responses={503: {"model": shapes.ErrorAnswer}}, **health,
    )  # fmt: skip
    async def ready() -> Response:
        if service.state.draining:
            raise RequestError(503, "service", "about to stop", "Ask another instance.")
        if not service.passes:
            what = "the stored applicants do not get their stored PDs"
            raise RequestError(503, "model", what, "Install requirements-serve.lock again.")
        return json_response({"status": "ok"})

    @app.get(
        "/metrics", summary="For Prometheus",
        responses={
            200: {"description": "Text form of Prometheus",
                  "content": {"text/plain": {"schema": {"type": "string"}}}},
            **_READ_ERRORS,
        },
    )  # fmt: skip
    async def metrics() -> Response:
        kind = "text/plain; version=0.0.4; charset=utf-8"
        return Response(service.telemetry.text(), media_type=kind)


def _protocols(app: FastAPI, service: Service) -> None:
    schema = service.champion.schema

    @app.get("/ping", summary="As MLflow's scoring server", response_model=shapes.Health)
    async def ping() -> Response:
        return json_response({"status": "ok"})

    @app.post(
        "/invocations", summary="As MLflow's scoring server",
        openapi_extra=shapes.mlflow_body(schema),
        responses={200: {"model": shapes.Predictions}, **_ERRORS},
    )  # fmt: skip
    async def invocations(request: Request) -> Response:
        _, judged, _ = await _scored(service, request, asked.mlflow_rows)
        return json_response({"predictions": answers.predictions(judged)})

    @app.post(
        "/v2/models/credit-risk/infer", summary="Open inference protocol",
        openapi_extra=shapes.tensor_body(schema),
        responses={200: {"model": shapes.Inference}, **_ERRORS},
    )  # fmt: skip
    async def infer(request: Request) -> Response:
        found, judged, _ = await _scored(service, request, asked.tensors)
        return json_response(answers.tensors(judged, found.identity))
