"""The official Node client, @hubspot/api-client 14, unmodified and installed from npm."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from reconcile.sandbox import Sandbox

HERE = Path(__file__).with_name("node")
INSTALL = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]


@pytest.mark.servers
@pytest.mark.timeout(300)
def test_node_client(sandbox: Sandbox, tmp_path: Path) -> None:
    """Every call of node/client.test.js succeeds or is refused as the client expects."""
    for tool in ("node", "npm"):
        assert shutil.which(tool), f"{tool} is not installed; this test does not skip"
    folder = tmp_path / "node"
    shutil.copytree(HERE, folder)
    subprocess.run(INSTALL, cwd=folder, check=True, capture_output=True, timeout=200)
    done = subprocess.run(
        ["node", "--test", "client.test.js"],
        cwd=folder,
        env={
            **os.environ,
            "SANDBOX_URL": sandbox.url,
            "SANDBOX_TOKEN": sandbox.token,
            "SANDBOX_POOR_TOKEN": sandbox.add_token([]),
        },
        check=False,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# fail 0" in done.stdout
