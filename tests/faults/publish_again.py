"""Publish the build of an installation: python -m tests.faults.publish_again. A process that tests may end."""

from __future__ import annotations

from pipelines.core.settings import Settings
from pipelines.release.publish import publish


def main() -> None:
    """The installation that the environment names; its build was made by hand for these inputs."""
    publish(Settings(), "sample", "sample", lambda: "inputs", "0.1")


if __name__ == "__main__":
    main()
