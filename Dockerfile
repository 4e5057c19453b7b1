# One image for the worker and the server; the command says which.
FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
# The Temporal client speaks TLS to servers outside, and slim brings no certificates.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
COPY package.json package-lock.json .npmrc ./
# The image has the right Node already, and its Postgres, Redis and Temporal are other containers.
RUN npm ci --omit=dev --ignore-scripts && npm cache clean --force
COPY bin bin
COPY src src
COPY workflows workflows
COPY activities activities
COPY feature_repo feature_repo
RUN mkdir -p /data && chown node:node /data
USER node
ENV TIDEMARK_HOME=/data TIDEMARK_CACHE=/data/cache TIDEMARK_HOST=0.0.0.0
VOLUME /data
EXPOSE 6567
ENTRYPOINT ["bin/tidemark"]
CMD ["--help"]
