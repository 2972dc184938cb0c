"""Reaching a target: its account, with the right token, and nothing before both are verified."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from secrets import token_bytes
from typing import Literal

from reconcile.config import Settings
from reconcile.errors import UsageError
from reconcile.hubspot.client import HubSpot
from reconcile.model.definitions import Account
from reconcile.model.plan import TargetPin
from reconcile.stores.key import find_key, make_key
from reconcile.stores.local import LocalStore
from reconcile.stores.state import State

Purpose = Literal["read", "write"]


@dataclass(frozen=True, slots=True)
class Session:
    """A target that answers, and is the one the settings mean."""

    settings: Settings
    environ: Mapping[str, str]
    hubspot: HubSpot
    account: Account
    store: LocalStore

    @property
    def pin(self) -> TargetPin:
        """The account as plans and outputs name it."""
        return TargetPin(
            name=self.settings.target.name,
            portal_id=self.account.portal_id,
            account_type=self.account.type,
            sandbox=self.settings.target.sandbox is not None,
        )

    def state(self, *, writing: bool = False) -> State:
        """The state as it is now. Raises UsageError when it belongs to another account.

        Reading makes nothing: without a key, hashes compare with nothing, and reasons are unknown.
        """
        key = find_key(self.settings.home, self.environ)
        if key is None:
            key = make_key(self.settings.home) if writing else token_bytes(32)
        state = State(self.store, key)
        if state.portal_id not in (None, self.account.portal_id):
            raise UsageError(
                f"the state in {self.settings.home} belongs to account {state.portal_id}, "
                f"but the token to account {self.account.portal_id}",
                hint="use the token of that account, or another target name for this one",
            )
        return state


@contextmanager
def connect(settings: Settings, environ: Mapping[str, str], purpose: Purpose) -> Iterator[Session]:
    """Open the settings' target.

    Raises UsageError where the token is not set or belongs to another account than the target's.
    """
    with ExitStack() as stack:
        hubspot = stack.enter_context(_reach(settings, environ, purpose, stack))
        account = hubspot.account()
        if settings.target.portal not in (None, account.portal_id):
            raise UsageError(
                f"target {settings.target.name} is account {settings.target.portal}, "
                f"but its token belongs to account {account.portal_id}",
                hint="check the token, or the target's `portal`; nothing was read or written",
            )
        yield Session(settings, environ, hubspot, account, LocalStore(settings.home))


def _reach(
    settings: Settings, environ: Mapping[str, str], purpose: Purpose, stack: ExitStack
) -> HubSpot:
    target = settings.target
    if target.sandbox is None:
        token = settings.token(purpose, environ).reveal()
        return HubSpot(target.url, token, api=target.api, rate_limit=target.rate_limit)
    from reconcile.sandbox import Sandbox  # noqa: PLC0415  (only embedded targets need a server)

    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    sandbox = stack.enter_context(
        Sandbox(settings.home / "sandbox.sqlite", seed=target.sandbox.seed)
    )
    return HubSpot(sandbox.url, sandbox.token, api=target.api, rate_limit=None)
