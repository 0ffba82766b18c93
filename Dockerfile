# The service as an image: docker build -t campfire-ai-bot:0.1.0 .
# The tag is the release that /health shows as `version`; roll back by starting the tag before it.
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY . .
RUN deploy/image/build.sh

FROM ${NODE_IMAGE}
# tini collects the processes that agents leave to PID 1; bubblewrap contains sessions; procps is for whoever looks
# inside (pgrep, ps); curl asks for the container's health; git and ca-certificates are what agents' tools expect.
RUN apt-get update \
 && apt-get install -y --no-install-recommends tini bubblewrap procps curl ca-certificates git \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 10001 bot \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin bot \
 && install -d -o bot -g bot -m 0700 /data \
 && install -d -m 0755 /bots
COPY --from=build /app /app
ENV NODE_ENV=production \
    NODE_COMPILE_CACHE=/app/.compile-cache \
    HOST=0.0.0.0 \
    PORT=8000 \
    DATA_DIR=/data \
    BOTS_DIR=/bots
WORKDIR /app
USER bot
VOLUME /data
EXPOSE 8000
# Longer than SHUTDOWN_GRACE_SECONDS has to be given by whoever runs it: docker stop --time 30.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
  CMD curl -fsS -o /dev/null "http://127.0.0.1:${PORT}/ready"
ENTRYPOINT ["tini", "--", "bin/start"]
