"""Who may do what: the headers of every answer, the name of the user, and the token that a change needs."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

__all__ = ["HEADERS", "Doorkeeper"]

HEADERS: Mapping[str, str] = {
    # Scripts and styles are files of the package; nothing that a page holds can run, and nothing else is fetched.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Headers of every answer."""

_LONGEST_NAME = 200


@dataclass(frozen=True)
class Doorkeeper:
    """Decides who may sign decisions."""

    #: Header in which the observatory's gateway hands over the name of the user; None where there is no
    #: gateway.
    user_header: str | None = None
    allow_decisions: bool = False  #: May decisions be made at all?
    #: What tokens are made with; another one for each server.
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def user(self, headers: Mapping[str, str]) -> str:
        """Return the name of the user, empty where it is unknown."""
        name = headers.get(self.user_header, "").strip() if self.user_header else ""
        return name if name.isprintable() and len(name) <= _LONGEST_NAME else ""

    def may_decide(self, headers: Mapping[str, str]) -> bool:
        """Check whether the sender of a request may sign decisions."""
        return self.allow_decisions and bool(self.user(headers))

    def token(self, user: str) -> str:
        """Return the token that a page of this server holds for a user."""
        return hmac.new(self.secret, user.encode(), "sha256").hexdigest()

    def refusal(self, headers: Mapping[str, str], token: str) -> str:
        """Return why a change is refused, empty where it is not.

        Parameters
        ----------
        token : `str`
            The token that came with it.
        """
        if not self.allow_decisions:
            return "This server was started without --allow-decisions: it only shows."
        user = self.user(headers)
        if not user:
            return "Your name is unknown: decisions need the user's name from the observatory's gateway."
        origin = headers.get("origin")
        if origin and urlsplit(origin).netloc != headers.get("x-forwarded-host", headers.get("host")):
            return "The form came from another site."
        if not hmac.compare_digest(token.encode(), self.token(user).encode()):
            return "The page is older than this server, or the form came from another site: reload the page."
        return ""
