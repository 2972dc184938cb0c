"""A disk that fills up while the sandbox serves: the answer says so, and nothing is half done."""

import resource

import httpx

from reconcile.sandbox import Sandbox

LARGE = [{"properties": {"hs_cart_name": "x" * 20_000}} for _ in range(50)]


def test_a_write_that_finds_no_room_is_refused_with_the_cause(
    sandbox: Sandbox, http: httpx.Client
) -> None:
    """A limit on the size of files stands for the disk; with room again the same write works."""
    path = "/crm/v3/objects/carts"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))
    try:
        refused = http.post(f"{path}/batch/create", json={"inputs": LARGE})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert refused.status_code == 500
    assert "cannot be used: File too large; make room on the disk" in refused.json()["message"]
    assert http.get(path).json()["results"] == []
    assert http.post(f"{path}/batch/create", json={"inputs": LARGE}).status_code == 201
    assert sandbox.portal_id
