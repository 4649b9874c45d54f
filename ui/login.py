"""A login in front of every page, where an operator asked for one: Streamlit's own, by OpenID Connect.

secrets.toml decides (docs/security.md has an example): with an [auth] section nobody sees a page who has
not logged in, and of those who have only whom `users` in its [plateau] section names.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ui.words import plain

EVERYBODY = "*"


def login_configured() -> bool:
    """Whether secrets.toml asks for a login. One that cannot be read, or that lists users without a
    provider, counts as if it did: a slip of the pen opens no door."""
    if st.secrets.load_if_toml_exists():
        return "auth" in st.secrets or "plateau" in st.secrets
    return any(Path(path).is_file() for path in st.get_option("secrets.files"))


def may_enter(user: Mapping[str, Any], users: Sequence[str]) -> bool:
    """Whether somebody who has logged in is among the `users`: e-mail addresses, '@' and a domain for all
    of its addresses, or '*' for everybody whom the provider lets in."""
    if EVERYBODY in users:
        return True
    email = user.get("email")
    if not isinstance(email, str) or "@" not in email or user.get("email_verified") is False:
        return False
    name = email.casefold()
    return any(
        name == known.casefold() or f"@{name.rpartition('@')[2]}" == known.casefold() for known in users
    )


def require_login() -> None:
    """End the page here unless nobody has to log in, or somebody has who may."""
    if not login_configured():
        return
    user = st.user.to_dict()
    if not user.get("is_logged_in"):
        st.title("Plateau")
        st.markdown("Log in to go on.")
        st.button("Log in", type="primary", icon=":material/login:", key="login", on_click=st.login)
        st.stop()
    if not may_enter(user, _users()):
        st.title("Plateau")
        shown = plain(str(user.get("email") or "This account"))
        st.error(f"{shown} is not among the users of this app. Whoever runs it names them in secrets\\.toml.")
        st.button("Log out", icon=":material/logout:", key="logout", on_click=st.logout)
        st.stop()


def closed_by_login(route: Route) -> Route:
    """A route beside the pages, which no login guards: it answers only where there is no login."""
    answer = route.endpoint

    def guarded(request: Request) -> Response:
        if login_configured():
            return PlainTextResponse("This app asks for a login, and this address cannot.", status_code=403)
        return answer(request)

    return Route(route.path, guarded, methods=["GET"])


def _users() -> list[str]:
    """Whom secrets.toml names; nobody where it names nobody."""
    section = st.secrets.get("plateau", {})
    users = section.get("users", []) if isinstance(section, Mapping) else []
    return [user for user in users if isinstance(user, str)] if isinstance(users, Sequence) else []
