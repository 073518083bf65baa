"""The paths that health checks ask again and again: not counted among the requests at once, not logged, not traced."""

from typing import Final

PROBES: Final = ("/livez", "/readyz", "/metrics", "/ping", "/v2/health/live", "/v2/health/ready")
