FROM node:24-slim AS build
WORKDIR /parley
COPY package.json package-lock.json ./
# No scripts: what they put in place (a second Node, Postgres) is not for building. Hence tsc by its path, on this image's Node.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src src
COPY migrations migrations
RUN node node_modules/typescript/bin/tsc -p tsconfig.build.json

FROM node:24-slim
ENV NODE_ENV=production PARLEY_SERVER_HOST=0.0.0.0
WORKDIR /parley
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts && npm cache clean --force
COPY --from=build /parley/dist dist
# By number, so that Kubernetes can see that it is not root. Everything here belongs to root: Parley writes no files.
USER 1000
EXPOSE 3000
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s \
  CMD ["node", "--eval", "fetch(`http://127.0.0.1:${process.env.PARLEY_SERVER_PORT || 3000}/health/ready`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Node itself is the process that SIGTERM reaches; npm or a shell would stand in between.
ENTRYPOINT ["node", "--enable-source-maps", "dist/src/main.js"]
