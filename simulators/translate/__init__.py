"""A translator that speaks LibreTranslate's API and translates nothing, but so that one sees it.

Source: LibreTranslate's API description (https://docs.libretranslate.com/api/operations/translate/):
`POST /translate` with q, source, target, format and, where keys are asked for, api_key; the answer
is `{"translatedText": …}`, an error `{"error": …}` with status 400, 403, 429 or 500.
"""

from dataclasses import dataclass, field

from flask import Flask, Response, jsonify, request

from simulators import serving

_LONGEST = 5_000


@dataclass
class Running:
    """A running simulator. asked: what was to be translated. failures: statuses to answer next."""

    server: serving.Server
    asked: list[dict[str, str]] = field(default_factory=list)
    failures: list[int] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it answers."""
        return self.server.url

    def stop(self) -> None:
        """End it."""
        self.server.stop()


def start(*, port: int = 0) -> Running:
    """Serve on the loopback interface. port: 0 takes a free one."""
    app = Flask(__name__)
    asked: list[dict[str, str]] = []
    failures: list[int] = []

    @app.post("/translate")
    def translate() -> tuple[Response, int]:
        given = request.get_json(silent=True) or request.form.to_dict()
        missing = [name for name in ("q", "source", "target") if not given.get(name)]
        if missing:
            return jsonify(error=f"Invalid request: missing {missing[0]} parameter"), 400
        if len(given["q"]) > _LONGEST:
            return jsonify(error=f"Invalid request: request exceeds {_LONGEST} characters"), 400
        if failures:
            return jsonify(error="Cannot translate text"), failures.pop(0)
        asked.append(given)
        return jsonify(translatedText=f"[{given['source']}→{given['target']}] {given['q']}"), 200

    return Running(serving.serve(app, "127.0.0.1", port), asked, failures)
