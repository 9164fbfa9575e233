"""HubSpot's simulator without any limit that would make a client wait.

``python -m benchmarks._simulator_server`` prints its address, then serves until its standard input is closed.
"""

from __future__ import annotations

from hub_hubspot.simulator import SimulatorConfig, create_app

from benchmarks._processes import serve

#: Told in the headers, from which the hub learns how fast it may be.
PLENTY = 10_000_000

if __name__ == "__main__":
    serve(
        create_app(
            SimulatorConfig(
                rate_limit=PLENTY, associations_limit=PLENTY, search_limit=None, daily_limit=None, search_lag=0.0
            )
        )
    )
