"""The runner of console blocks."""

from pathlib import Path

import pytest

from tests.cli.console_blocks import matches, replay

EXAMPLE = """\
```console
$ cd examples/quickstart
$ reconcile init --auto-approve
...
Target quickstart-sandbox is ready: every key property exists.
$ reconcile plan
Target quickstart-sandbox: sandbox account 123456789 (DEVELOPER_TEST)
...
    + line_item/SHOP-1001:mug ... quantity=2
...
Plan: 2 orders, 4 line items, 1 cart to create.
Target quickstart-sandbox: sandbox account 123456789 (DEVELOPER_TEST)
...
```

   ```console
   $ reconcile plan --xyzzy
   error: no such option '--xyzzy'.
   ...
   $ echo $?
   1
   ```

```sh
$ not replayed
```
"""


@pytest.mark.long
def test_runner_runs(tmp_path: Path) -> None:
    """The runner itself takes what is right, and finds an output that is not as shown."""
    replay(EXAMPLE, tmp_path / "right")
    with pytest.raises(AssertionError, match="printed"):
        replay(EXAMPLE.replace("$?\n   1", "$?\n   0"), tmp_path / "wrong")


def test_wildcards() -> None:
    """``...`` stands for any lines, also none, or for any text in a line, and nothing else does."""
    assert matches(("a", "...", "c"), ["a", "b", "b", "c"])
    assert matches(("a", "...", "c"), ["a", "c"])
    assert matches(("a ... c",), ["a b c"])
    assert matches(("account 123456 in 0.1 s",), ["account 7654321 in 2 min"])
    assert matches((), [])
    assert not matches(("a", "c"), ["a", "b", "c"])
    assert not matches(("a", "..."), ["b", "a"])
    assert not matches(("a.c",), ["abc"])
    assert not matches((), ["a"])
