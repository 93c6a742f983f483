"""A crowd of guests on the concert `train`, for Locust (pip install locust).

    ./scripts/dev up
    locust -f scripts/locustfile.py --headless -u 200 -r 50 -t 60s

The address and the admin token are SUNBEON_URL and SUNBEON_ADMIN_TOKEN of the environment, else of
.dev/env; --host takes the place of the first. Operators' requests go to SUNBEON_OPERATORS_URL where
it is set. SUNBEON_LOCUST_RESET=1 adds a task that empties the
line and puts all tickets back, one of twelve: for a system of one's own. Prints how often each
request was answered with each status, and exits with 1 if one was answered otherwise than 200, 201,
204, 409 or 429, or not at all.
"""

import os
import random
import sys
from collections import Counter
from pathlib import Path

from locust import HttpUser, between, events, task

CONCERT = "train"
TICKET = "seoul-busan"
# 409 reports the state (already in line, sold out), and 429 asks clients to slow down.
EXPECTED = {200, 201, 204, 409, 429}


def settings():
    """What scripts/dev wrote down, and over it the environment."""
    found = {}
    file = Path(__file__).resolve().parent.parent / ".dev" / "env"
    if file.exists():
        lines = file.read_text(encoding="utf-8").splitlines()
        found.update(line.split("=", 1) for line in lines if "=" in line)
    found.update(os.environ)
    return found


SETTINGS = settings()
ADMIN_TOKEN = SETTINGS.get("SUNBEON_ADMIN_TOKEN", "")
# The operators' address; the standalone has one address for everybody.
OPERATORS = SETTINGS.get("SUNBEON_OPERATORS_URL", "")
RESET = SETTINGS.get("SUNBEON_LOCUST_RESET") == "1"
if not ADMIN_TOKEN:
    sys.exit("no SUNBEON_ADMIN_TOKEN: ./scripts/dev up writes .dev/env")

# (request, status) -> count; status 0 means no answer.
answers = Counter()


@events.request.add_listener
def count(request_type, name, response=None, **_):
    """Counts an answer."""
    status = getattr(response, "status_code", 0) or 0
    answers[f"{request_type} {name}", status] += 1


@events.quitting.add_listener
def judge(environment, **_):
    """Prints the statuses and decides about the exit code."""
    print("\nAnswers by request and status")
    for (request, status), times in sorted(answers.items()):
        mark = "" if status in EXPECTED else "   <- unexpected"
        print(f"{times:8d}  {status:3d}  {request}{mark}")
    unexpected = sum(times for (_, status), times in answers.items() if status not in EXPECTED)
    print(f"{sum(answers.values()):8d}  in all, {unexpected} unexpected")
    # A run without any answers proves nothing.
    environment.process_exit_code = 1 if unexpected or not answers else 0


class Guest(HttpUser):
    """One guest after another: who is through comes back as somebody else."""

    host = SETTINGS.get("SUNBEON_URL")
    wait_time = between(0.2, 1.0)

    def on_start(self):
        """Becomes a guest; tried again by the tasks while that is refused as too fast."""
        self.ready = False
        self.token = None
        data = self.call("POST", "/v2/waiting-room/guest", json={"concertId": CONCERT})
        if data:
            self.token = data["token"]

    @task(4)
    def reserve(self):
        """Asks to get in: straight in while there is room, else in line; again, the same place."""
        if self.is_somebody():
            self.stand(self.call("POST", "/v2/waiting-room/enter", json={"concertId": CONCERT}))

    @task(3)
    def status(self):
        """Looks where one stands."""
        if self.is_somebody():
            self.stand(self.call("GET", f"/v2/waiting-room/status/{CONCERT}"))

    @task(2)
    def health(self):
        """Whether the system is well."""
        self.call("GET", f"{OPERATORS}/health", name="/health", bearer=None)

    @task(1)
    def process(self):
        """An operator lets ten in."""
        path = f"/v2/reservation/open/{CONCERT}?batchSize=10"
        self.call("POST", f"{OPERATORS}{path}", name=path, bearer=ADMIN_TOKEN)

    @task(1)
    def visit(self):
        """Who is called fetches the token, books, pays or thinks better of it, and makes room.

        Not among the seed's tasks: without it nobody would ever leave, and the line would stand.
        """
        if not self.ready:
            return
        issued = self.call("GET", f"/v2/reservation/token/{CONCERT}")
        if issued is None:
            return
        inside = {"X-Queue-Token": issued["token"]}
        wanted = {"tickets": [{"ticketId": TICKET, "quantity": 1}]}
        booked = self.call("POST", "/v2/bookings", json=wanted, headers=inside)
        if booked is None or random.random() < 0.1:
            self.call("POST", f"/v2/waiting-room/exit/{CONCERT}")
        elif random.random() < 0.5:
            path = f"/v2/bookings/{booked['bookingId']}/confirm"
            name = "/v2/bookings/{bookingId}/confirm"
            pay = {"paymentToken": "locust"}
            self.call("POST", path, name=name, json=pay, headers=inside)
        else:
            path = f"/v2/bookings/{booked['bookingId']}"
            self.call("DELETE", path, name="/v2/bookings/{bookingId}")
        self.on_start()

    @task(1 if RESET else 0)
    def reset(self):
        """Empties the line and puts all tickets back."""
        for path in (f"/v2/admin/concerts/{CONCERT}/clear", f"/v2/stock/{CONCERT}/reset"):
            self.call("POST", f"{OPERATORS}{path}", name=path, bearer=ADMIN_TOKEN)

    def is_somebody(self):
        """Whether one has a guest token; asks for one otherwise."""
        if self.token is None:
            self.on_start()
        return self.token is not None

    def stand(self, standing):
        """Remembers whether one is called."""
        if standing is not None:
            self.ready = standing["status"] in ("READY", "ENTERED")

    def call(self, method, path, name=None, bearer="", headers=None, json=None):
        """The `data` of a good answer; None after 409 and 429, which are no failures."""
        headers = dict(headers or {})
        token = self.token if bearer == "" else bearer
        if token:
            headers["Authorization"] = f"Bearer {token}"
        options = {"name": name or path, "headers": headers, "json": json, "catch_response": True}
        with self.client.request(method, path, **options) as answer:
            if answer.status_code not in EXPECTED:
                answer.failure(f"answered {answer.status_code}")
                return None
            answer.success()
            if answer.status_code in (409, 429):
                # Users already in line learn their place.
                return self.told(answer) if path.endswith("/enter") else None
            return answer.json().get("data", {})

    @staticmethod
    def told(answer):
        """The standing that a refusal carries."""
        data = answer.json().get("data") or {}
        return data if "status" in data else None
