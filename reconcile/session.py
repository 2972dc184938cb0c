"""Open a target: its account, its store and its sandbox, once account and token are verified."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from reconcile.call_watchdog import log_notice
from reconcile.errors import HubSpotError, UsageError
from reconcile.model.definitions import Account
from reconcile.model.plan import TargetPin
from reconcile.project import Settings
from reconcile.state.hash_key import VARIABLE, find_key, make_key
from reconcile.state.state import State
from reconcile.stores.contract import Store
from reconcile.stores.erase import refuse_half_erased
from reconcile.stores.local import LocalStore
from reconcile.stores.sandbox_in_use import serving
from reconcile.stores.state_folder import make_state_folder, refuse_links
from reconcile.stores.store_urls import is_local, open_store

if TYPE_CHECKING:
    from reconcile.hubspot.client import HubSpot
    from reconcile.hubspot.connection import MakeTransport
    from reconcile.sandbox import Sandbox

Purpose = Literal["read", "write"]


@dataclass(frozen=True, slots=True)
class Session:
    """An open target, whose account is the one in the settings."""

    settings: Settings
    environ: Mapping[str, str]
    hubspot: "HubSpot"
    account: Account
    store: Store

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
        """Return the current state. Raise UsageError when it belongs to another account.

        ``writing`` makes the hash key of a local state where there is none. For reading, a missing
        key means that no hash matches, and reasons are unknown.
        """
        key = find_key(self.settings.local_folder, self.environ)
        if key is None and writing:
            self.make_local_key()
            key = find_key(self.settings.local_folder, self.environ)
            if key is None:
                raise UsageError(
                    f"{VARIABLE} is not set: a shared state needs a key for its hashes",
                    hint=f"make a key with `openssl rand -hex 32`, and set {VARIABLE} to it for "
                    "everybody who plans or applies",
                )
        state = State(self.store, key)
        if not state.lineage and self.store.where != str(self.settings.local_folder):
            self._refuse_left_behind()
        if state.portal_id not in (None, self.account.portal_id):
            raise self._of_another_account(state.portal_id)
        return state

    def make_local_key(self) -> None:
        """Make the key of a local state where there is none; a shared one has it from outside."""
        folder = self.settings.local_folder
        if is_local(self.settings.store_url(self.environ)) and not find_key(folder, self.environ):
            make_key(folder)

    def _of_another_account(self, portal_id: int | None) -> UsageError:
        """Return the error for a state that belongs to another account than this one."""
        belongs = f"the state in {self.store.where} belongs to account {portal_id}"
        if self.settings.target.sandbox is None:
            return UsageError(
                f"{belongs}, but the token belongs to account {self.account.portal_id}",
                hint="use a token of that account, or give this account a target name of its own",
            )
        file = sandbox_file(self.settings)
        return UsageError(
            f"{belongs}, but the sandbox in {file.name} is account {self.account.portal_id}: "
            "the sandbox of that state was lost or replaced",
            hint=f"restore {file} from a backup, after removing all files whose names begin "
            f"with {file.name}; or erase the state with `reconcile sandbox reset`",
        )

    def _refuse_left_behind(self) -> None:
        """Raise UsageError where only the target's folder, not the shared store, has a state."""
        left = State(LocalStore(self.settings.local_folder), b"", allow_moved=True)
        if left.lineage and not left.moved:
            raise UsageError(
                f"{self.store.where} has no state, but {self.settings.local_folder} still has one",
                hint="move it to that store with `reconcile state pull file:`",
            )


@contextmanager
def connect(
    settings: Settings,
    environ: Mapping[str, str],
    purpose: Purpose,
    *,
    http: "MakeTransport | None" = None,
) -> Iterator[Session]:
    """Open the settings' target. ``http`` makes what carries requests to its account out.

    Raise UsageError where the token is not set or belongs to another account than the target's,
    and HubSpotError, naming the target, where the account does not respond or refuses the token.
    """
    with ExitStack() as stack:
        hubspot = stack.enter_context(_reach(settings, environ, purpose, http, stack))
        try:
            account = hubspot.definitions.account()
        except HubSpotError as error:
            raise _explained(error, settings, purpose) from None
        if settings.target.portal not in (None, account.portal_id):
            raise UsageError(
                f"target {settings.target.name} is account {settings.target.portal}, "
                f"but its token belongs to account {account.portal_id}",
                hint="check the token, or the target's `portal`; nothing was read or written",
            )
        store = stack.enter_context(open_target_store(settings, environ))
        yield Session(settings, environ, hubspot, account, store)


@contextmanager
def open_target_store(settings: Settings, environ: Mapping[str, str]) -> Iterator[Store]:
    """Open the store of a target's state, journal and audit log, without reaching its account.

    Raise UsageError where the target's folder is half erased.
    """
    refuse_half_erased(settings.local_folder)
    store = open_store(settings.store_url(environ), settings.local_folder)
    try:
        yield store
    finally:
        store.close()


def sandbox_file(settings: Settings) -> Path:
    """Return the file with the data of a target's embedded sandbox."""
    return settings.local_folder / "sandbox.sqlite"


@contextmanager
def sandbox_in_use(settings: Settings) -> Iterator[None]:
    """Keep other processes from erasing the settings' embedded sandbox.

    Raise UsageError where it is half erased, and OSError where its folder cannot be used.
    """
    refuse_half_erased(settings.local_folder)
    make_state_folder(settings.local_folder)
    with serving(settings.local_folder):
        refuse_half_erased(settings.local_folder)
        yield


@contextmanager
def serve_sandbox(
    settings: Settings, *, port: int = 0, plan: str | None = None
) -> Iterator["Sandbox"]:
    """Serve the settings' embedded sandbox, which is created from its seed where it does not exist.

    With ``plan`` it limits calls as HubSpot does for that subscription. Raise UsageError where it
    cannot be served: a bad seed, damaged data, a port in use.
    """
    from reconcile.sandbox import Sandbox, SeedError, UnusableError  # noqa: PLC0415  (a web server)

    path = sandbox_file(settings)
    seed = settings.target.sandbox.seed if settings.target.sandbox else None
    with ExitStack() as stack:
        try:
            stack.enter_context(sandbox_in_use(settings))
            refuse_links(settings.local_folder, *settings.local_folder.glob(f"{path.name}*"))
            sandbox = stack.enter_context(Sandbox(path, port=port, seed=seed, plan=plan))
        except SeedError as error:
            raise UsageError(f"the sandbox's seed cannot be loaded: {error}") from None
        except UnusableError as error:
            hint = "`reconcile sandbox reset` erases it" if error.lost else error.hint
            raise UsageError(str(error), hint=hint) from None
        except OSError as error:
            where = f" on port {port}" if port else ""
            message = f"the sandbox in {path} cannot be served{where}: {error.strerror or error}"
            raise UsageError(message) from None
        yield sandbox


def _reach(
    settings: Settings,
    environ: Mapping[str, str],
    purpose: Purpose,
    http: "MakeTransport | None",
    stack: ExitStack,
) -> "HubSpot":
    from reconcile.hubspot.client import HubSpot  # noqa: PLC0415  (work on a store needs no HTTP)

    target = settings.target
    if target.sandbox is None:
        url, token = target.url, settings.token(purpose, environ).reveal()
        rate_limit: int | None = target.rate_limit
    else:
        sandbox = stack.enter_context(serve_sandbox(settings))
        url, token, rate_limit = sandbox.url, sandbox.token, None
    return HubSpot(url, token, api=target.api, rate_limit=rate_limit, notice=log_notice, http=http)


def _explained(error: HubSpotError, settings: Settings, purpose: Purpose) -> HubSpotError:
    """Return the first call's error, naming the target and the setting to check."""
    target = settings.target
    own = target.token_read if purpose == "read" else target.token_write
    hint = error.hint
    if error.status == 401 and not target.sandbox:
        hint = f"the token in {own or target.token} is wrong, expired or revoked"
    where = "" if target.sandbox else f" at {target.url}"
    return error.reworded(f"target {target.name}{where}: {error}", hint=hint)
