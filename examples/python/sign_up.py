"""Signs somebody up with the client that openapi-python-client has generated.

    openapi-python-client generate --url http://localhost:8000/api/v1/openapi.json \
        --meta none --config generator.yaml --output-path registration_client
    python sign_up.py http://localhost:8000 http://localhost:8025 ada@example.com
"""

import re
import secrets
import sys
import time

import httpx
from registration_client import Client
from registration_client.api.users import activate, register
from registration_client.models import (
    ActivateRequest,
    ActivateResponse,
    Problem,
    RegisterRequest,
    RegisterResponse,
)


def read_code(inbox: str, email: str) -> str:
    """Waits for the mail in the development inbox; a person would read it and type the code."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = httpx.get(f"{inbox}/api/v1/search", params={"query": f'to:"{email}"'})
        messages = found.raise_for_status().json()["messages"]
        if messages:
            mail = httpx.get(f"{inbox}/api/v1/message/{messages[0]['ID']}").raise_for_status().json()
            return re.search(r"^\s*(\d{4,8})\s*$", mail["Text"], re.MULTILINE).group(1)
        time.sleep(0.2)
    raise SystemExit(f"no mail to {email} has arrived")


def sign_up(api: str, inbox: str, email: str, password: str) -> ActivateResponse:
    registered = register.sync(client=Client(api), body=RegisterRequest(email, password))
    if not isinstance(registered, RegisterResponse):
        raise SystemExit(explain(registered))
    code = read_code(inbox, email)
    # Basic authentication in UTF-8, as the API asks for it.
    credentials = httpx.BasicAuth(email.encode(), password.encode())
    client = Client(api, httpx_args={"auth": credentials})
    activated = activate.sync(client=client, body=ActivateRequest(code))
    if not isinstance(activated, ActivateResponse):
        raise SystemExit(explain(activated))
    return activated


def explain(problem: Problem | None) -> str:
    """What a problem document says, its fields included."""
    if problem is None:
        return "the answer is not documented"
    fields = [f"{error.pointer}: {error.detail}" for error in problem.errors or []]
    return "; ".join([f"{problem.code}: {problem.detail}", *fields])


if __name__ == "__main__":
    api_url, inbox_url, address = sys.argv[1:]
    account = sign_up(api_url, inbox_url, address, secrets.token_urlsafe(16))
    print(f"{account.email} is active: {account.user_id}")
