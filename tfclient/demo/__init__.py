"""The demo: a small agent that runs for real, on a recorded model."""

from __future__ import annotations

from tfclient.demo.agent import StormyTools, run_demo
from tfclient.demo.replay import demo_cassette, demo_http_client

__all__ = ["StormyTools", "demo_cassette", "demo_http_client", "run_demo"]
