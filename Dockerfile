# The service on CPU by default. For CUDA, name torch's index for it:
#   docker build --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu130 -t longshot:cuda .
ARG BASE=docker.io/library/python:3.11-slim-bookworm

FROM ${BASE} AS build
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
RUN python -m venv --without-pip /opt/longshot
# The libraries first: this layer is rebuilt only when a dependency changes.
COPY pyproject.toml constraints.txt ./
RUN python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" \
      > /tmp/requirements.txt \
 && pip --python /opt/longshot/bin/python install -c constraints.txt -r /tmp/requirements.txt \
      ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"}
COPY README.md LICENSE ./
COPY app app
COPY model model
# Headers, build tools and the libraries' own tests are of no use to a service: 250 MB less.
RUN pip --python /opt/longshot/bin/python install --no-deps . \
 && cd /opt/longshot/lib/python3.*/site-packages \
 && rm -rf torch/include torch/test torch/bin/protoc* torch/bin/*[Tt]est* pandas/tests pyarrow/include pyarrow/tests

FROM ${BASE}
LABEL org.opencontainers.image.title="Longshot" \
      org.opencontainers.image.description="Self-hosted long-range time-series forecasting" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN apt-get update \
 && apt-get install -y --no-install-recommends tini \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 10001 longshot \
 && useradd --uid 10001 --gid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin longshot \
 && install -d -o longshot -g longshot -m 0750 /data
COPY --from=build /opt/longshot /opt/longshot
# Everything the service writes goes to /data, and what is scratch to /tmp: the root file system may be read-only.
ENV PATH=/opt/longshot/bin:$PATH \
    LONGSHOT_HOME=/data \
    LONGSHOT_HOST=0.0.0.0 \
    LONGSHOT_PORT=8000 \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen('http://127.0.0.1:' + os.environ['LONGSHOT_PORT'] + '/readyz', timeout=8)"]
# Without an API key the service refuses to listen beyond loopback unless LONGSHOT_ALLOW_UNAUTHENTICATED=1 says that
# something else guards the port: see docker/compose.yaml.
ENTRYPOINT ["tini", "--", "longshot"]
CMD ["serve"]
