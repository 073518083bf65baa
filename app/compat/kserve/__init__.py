"""KServe's time-series protocol: /v1/timeseries/forecast and /v1/timeseries/models."""
