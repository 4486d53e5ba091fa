"""Session: log in, is it alive, keep alive, log out; and who may make any other call."""

from rttm.engine import sessions
from rttm.engine.models import Session
from rttm.engine.sessions import Fault

from .envelope import Answer, Failure, Message, error
from .request import Request, required_text

TROUBLE = "login: There was a problem with your credentials"
FAULTS = {
    Fault.UNKNOWN: "login: Bad or expired credentials",
    Fault.IDLE: "login: inactivity logout",
    Fault.OTHER_ADDRESS: "login: IP address does not match current session",
}


def log_in(request: Request) -> Answer:
    given = [required_text(request.args, f) for f in ("customer_name", "user_name", "password")]
    token = sessions.log_in(*given, ip=request.client_ip, now=request.now)
    if token is None:
        text = "login: Credentials you entered did not match those in our database. "
        wrong = error(f"{text}Please try again", "INVALID_DATA")
        raise Failure(wrong, closing="login: Login failed")
    data = {"token": token, "version": request.version}
    return Answer(data, (Message("login: Login successful"),))


def authenticate(request: Request) -> Session:
    """The session of the token that came with the call."""
    if not request.token:
        text = "token: The Auth-Token HTTP header must be set to make this call"
        raise Failure(error(text, "MISSING_DATA", source="API-B"), closing=TROUBLE)
    found = sessions.find(request.token, ip=request.client_ip, now=request.now)
    if isinstance(found, Fault):
        raise Failure(error(FAULTS[found], "INVALID_DATA"), closing=TROUBLE)
    return found


def is_alive(request: Request) -> Answer:
    return Answer({}, (Message("isalive: User session is still active"),))


def keep_alive(request: Request) -> Answer:
    """Every call renews the session; this one does nothing else."""
    return Answer({}, (Message("keep_alive: User session is still active"),))


def log_out(request: Request) -> Answer:
    sessions.log_out(request.token)
    return Answer({}, (Message("logout: Logout successful"),))
