"""OAuth: the authorize page (which says yes at once) and the token endpoints."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from hub_hubspot.simulator.account import Account
from hub_hubspot.simulator.errors import ApiError
from hub_hubspot.simulator.limits import Token
from hub_hubspot.simulator.request import Answer

CLIENT_FIELDS = frozenset({"client_id", "client_secret"})
GRANT_FIELDS = CLIENT_FIELDS | {"grant_type", "code", "code_verifier", "redirect_uri", "refresh_token", "scope"}
TOKEN_FIELDS = CLIENT_FIELDS | {"token", "token_type_hint"}


def refused(status: int, error: str, message: str, name: str) -> ApiError:
    """An OAuth error: the fields of RFC 6749 beside the vendor's old ones."""
    return ApiError(status, message, "", extra={"error": error, "error_description": message, "status": name})


def authorize(account: Account, query: Mapping[str, str]) -> Answer:
    """Send the user back with a code, as if the app had been allowed at once."""
    if query.get("client_id") != account.settings.oauth_client_id or not query.get("redirect_uri"):
        raise refused(400, "invalid_client", "missing or unknown client id", "BAD_CLIENT_ID")
    code = f"code-{account.random.getrandbits(64):x}"
    scopes = frozenset(f"{query.get('scope', '')} {query.get('optional_scope', '')}".split()) | {"oauth"}
    account.codes[code] = {
        "redirect_uri": query["redirect_uri"],
        "scopes": scopes,
        "challenge": query.get("code_challenge"),
    }
    back = {"code": code} | ({"state": query["state"]} if "state" in query else {})
    join = "&" if "?" in query["redirect_uri"] else "?"
    location = f"{query['redirect_uri']}{join}{urlencode(back)}"
    return Answer(302, None, ((b"location", location.encode()),))


def token(account: Account, form: Mapping[str, str]) -> Answer:
    """A code or refresh token for an access token. The refresh token stays the same."""
    _check(account, form, GRANT_FIELDS)
    grant = form.get("grant_type")
    if grant == "authorization_code":
        scopes = _spend_code(account, form)
        refresh = f"eu1-{account.random.getrandbits(128):032x}"
        account.refresh_tokens[refresh] = scopes
    elif grant == "refresh_token":
        refresh = form.get("refresh_token", "")
        if refresh not in account.refresh_tokens:
            message = "refresh token is invalid, expired or revoked"
            raise refused(400, "invalid_grant", message, "BAD_REFRESH_TOKEN")
        scopes = account.refresh_tokens[refresh]
    else:
        raise refused(400, "unsupported_grant_type", f"grant_type {grant} is not supported", "BAD_GRANT_TYPE")
    return Answer(200, _issue(account, refresh, scopes))


def introspect(account: Account, form: Mapping[str, str]) -> Answer:
    """Whether a token is active, and what it may do."""
    _check(account, form, TOKEN_FIELDS)
    value = form.get("token", "")
    if value in account.refresh_tokens:
        return Answer(200, {"active": True, "token_use": "refresh_token", "hub_id": account.settings.portal_id})
    known = account.tokens.get(value)
    if known is None or known.revoked or (known.expires_at is not None and known.expires_at <= account.now()):
        return Answer(200, {"active": False})
    body: dict[str, Any] = {"active": True, "token_use": "access_token", "hub_id": account.settings.portal_id}
    if known.scopes is not None:
        body["scopes"] = sorted(known.scopes)
    return Answer(200, body)


def revoke(account: Account, form: Mapping[str, str]) -> Answer:
    """Make a token useless; unknown ones are passed over."""
    _check(account, form, TOKEN_FIELDS)
    value = form.get("token", "")
    account.refresh_tokens.pop(value, None)
    if value in account.tokens:
        account.tokens[value].revoked = True
    return Answer(200, {})


ENDPOINTS = {("token",): token, ("token", "introspect"): introspect, ("token", "revoke"): revoke}


def _check(account: Account, form: Mapping[str, str], allowed: frozenset[str]) -> None:
    if unknown := sorted(form.keys() - allowed):
        raise refused(400, "invalid_request", f"unknown parameters: {unknown}", "BAD_REQUEST")
    settings = account.settings
    if form.get("client_id") != settings.oauth_client_id:
        raise refused(400, "invalid_client", "missing or unknown client id", "BAD_CLIENT_ID")
    if form.get("client_secret") != settings.oauth_client_secret:
        raise refused(400, "invalid_client", "missing or wrong client secret", "BAD_CLIENT_SECRET")


def _spend_code(account: Account, form: Mapping[str, str]) -> frozenset[str] | None:
    grant = account.codes.pop(form.get("code", ""), None)
    if grant is None:
        raise refused(400, "invalid_grant", "missing or unknown auth code", "BAD_AUTH_CODE")
    if grant.get("redirect_uri", form.get("redirect_uri")) != form.get("redirect_uri") or not form.get("redirect_uri"):
        raise refused(400, "invalid_grant", "redirect URI does not match", "BAD_REDIRECT_URI")
    if challenge := grant.get("challenge"):
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != challenge:
            raise refused(400, "invalid_grant", "code verifier does not match", "BAD_CODE_VERIFIER")
    return grant.get("scopes")


def _issue(account: Account, refresh: str, scopes: frozenset[str] | None) -> dict[str, Any]:
    # Real tokens are long: up to 300 characters, and growing.
    value = f"C{account.random.getrandbits(1100):0275x}"
    lifetime = account.settings.oauth_token_lifetime
    account.tokens[value] = Token(value, scopes=scopes, expires_at=account.now() + lifetime, oauth=True)
    return {
        "token_type": "bearer",
        "token_use": "access_token",
        "access_token": value,
        "refresh_token": refresh,
        "expires_in": lifetime,
        "hub_id": account.settings.portal_id,
        "scopes": sorted(scopes) if scopes is not None else ["oauth"],
    }
