"""Looks at the package as installed from its wheel, in an environment with nothing else: `installed.py WHEEL`."""

from __future__ import annotations

import sys
import zipfile
from importlib.metadata import metadata, requires
from importlib.util import find_spec

import throttle_client


def main(wheel: str) -> None:
    """Fail when something is missing, or there that should not be."""
    assert "site-packages" in (throttle_client.__file__ or "")
    assert "requests" not in sys.modules, "new code has no use for requests"
    assert find_spec("tqdm") is None, "tqdm is an extra"
    assert all(hasattr(throttle_client, name) for name in throttle_client.__all__)
    assert metadata("throttle-client")["Version"] == throttle_client.__version__
    needed = {line.split(">")[0] for line in requires("throttle-client") or [] if "extra" not in line}
    assert needed == {"websockets", "requests"}
    try:
        throttle_client.connect("ws://localhost:8000").lock("A", progress=True)
    except ImportError as error:
        assert "throttle-client[progress]" in str(error)  # noqa: PT017  there is no pytest here
    else:
        raise AssertionError("progress=True works without tqdm")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "throttle_client/py.typed" in names
    assert any(name.endswith("/licenses/LICENSE") for name in names)
    outside = [name for name in names if not name.startswith(("throttle_client/", "throttle_client-"))]
    assert not outside, f"these are not of the package: {outside}"
    print(f"{wheel.rsplit('/', 1)[-1]}: {len(names)} files, as they should be")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1])
