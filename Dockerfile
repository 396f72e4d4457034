# One image for Airflow's parts and the dashboard. The base may be replaced: docker compose build --build-arg BASE=...
ARG BASE=python:3.11-slim-bookworm
FROM ${BASE}

# Java is needed for LAKE_ENGINE=spark only: docker compose build --build-arg WITH_JAVA=1
ARG WITH_JAVA=
RUN apt-get update \
    && apt-get install -y --no-install-recommends procps tini ${WITH_JAVA:+openjdk-17-jre-headless} \
    && rm -rf /var/lib/apt/lists/*

ENV PIP_ROOT_USER_ACTION=ignore PYTHONUNBUFFERED=1 VIRTUAL_ENV=/opt/venv PATH=/opt/venv/bin:$PATH
WORKDIR /opt/lakehouse
COPY requirements.lock ./
# packages come from where pip is configured to look; every hash is checked
ARG PIP_INDEX_URL
RUN python3 -m venv $VIRTUAL_ENV \
    && sed -n '/^uv==/,/^[^ ]*==/{/^uv==/p;/^ /p}' requirements.lock > /tmp/uv.lock.txt \
    && pip install -q --no-cache-dir --no-deps --require-hashes -r /tmp/uv.lock.txt \
    && if [ -n "$PIP_INDEX_URL" ]; then export UV_DEFAULT_INDEX=$PIP_INDEX_URL; fi \
    && uv pip sync -q --no-cache --compile-bytecode --require-hashes requirements.lock \
    && rm /tmp/uv.lock.txt

# `make env` gives the number of whoever calls it, so that both may write to the landing folder
ARG LAKE_UID=50000
RUN useradd --uid ${LAKE_UID} --create-home lakehouse \
    && mkdir -p /data/lake/bronze/bronze_lake__calendar /data/lake/silver /data/lake/gold /data/lake/landing /data/lake/_truth \
        /data/keys /data/models /data/reports /data/state/tmp /data/airflow /data/extra \
    && chown -R lakehouse /data
COPY dags ./dags
COPY .streamlit ./.streamlit
COPY dashboards ./dashboards
COPY lake ./lake
COPY models ./models
COPY pipelines ./pipelines
COPY quality ./quality
COPY pyproject.toml ./
ENV PYTHONPATH=/opt/lakehouse LAKE_ROOT=/data/lake MODEL_ROOT=/data/models REPORT_ROOT=/data/reports LAKE_STATE_ROOT=/data/state \
    LAKE_KEY_FILE=/data/keys/pseudonym.key AIRFLOW_HOME=/data/airflow TMPDIR=/data/state/tmp
RUN python -m compileall -q .
ENV PYTHONDONTWRITEBYTECODE=1
USER lakehouse
ENTRYPOINT ["tini", "-g", "--"]
CMD ["python", "-m", "dags.server", "status"]
