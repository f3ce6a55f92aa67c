"""Headers of every answer: what a browser may do with our pages."""

from flask import Flask, Response, request

# Nothing inline, nothing from elsewhere. `form-action` also governs where a form's redirect may
# lead, so that the addresses that open BankID and Swish are links, never redirects.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_STATIC_AGE = 31_536_000


def init_app(app: Flask, *, is_secure: bool) -> None:
    """Put the headers on every answer; is_secure: whether people reach us over TLS."""

    @app.after_request
    def _add(response: Response) -> Response:
        headers = response.headers
        # What is somebody else's file comes with a stricter one.
        headers.setdefault("Content-Security-Policy", POLICY)
        headers["X-Content-Type-Options"] = "nosniff"
        headers["X-Frame-Options"] = "DENY"
        headers["Referrer-Policy"] = "same-origin"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=()"
        if is_secure:
            headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
        if request.endpoint == "static":
            # What is not there may be there a moment later, when a new version is put in place.
            if request.args.get("v") and response.status_code < 400:
                headers["Cache-Control"] = f"public, max-age={_STATIC_AGE}, immutable"
        elif not response.cache_control.public:
            # Pages hold personal data: no cache keeps them, not even for the way back.
            headers["Cache-Control"] = "no-store"
        return response
