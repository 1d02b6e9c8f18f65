# One "host" of docker/compose.yml: the lockex image with supervisord and a redis-server.
#   LOCKEX  the image made by docker/Dockerfile
ARG LOCKEX=lockex
FROM ${LOCKEX}
USER root
RUN apt-get update \
 && apt-get install -y --no-install-recommends redis-server supervisor \
 && apt-get clean && rm -rf /var/lib/apt/lists/*
COPY docker/supervisord.conf /etc/supervisor/supervisord.conf
COPY docker/redis.conf /etc/redis/redis.conf
# A new volume takes its owner from the directory that it is mounted on. The package makes these for a user redis;
# here everything runs as the image's own user.
RUN chmod 644 /etc/redis/redis.conf && chown 10001:10001 /etc/redis /var/lib/redis && chmod 750 /var/lib/redis
USER 10001:10001
# tini stays in front: supervisord as PID 1 would log every orphan that it reaps.
ENTRYPOINT ["tini", "--", "supervisord", "--nodaemon", "--configuration", "/etc/supervisor/supervisord.conf"]
CMD []
