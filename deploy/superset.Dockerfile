# Superset with the driver that opens a release; its requirements are those that the dashboards were tested with.
FROM apache/superset:6.1.0
USER root
COPY bi/superset/requirements.txt /tmp/requirements.txt
RUN . /app/.venv/bin/activate && uv pip install --no-cache -r /tmp/requirements.txt && rm /tmp/requirements.txt
USER superset
