# The two images of docker-compose.yml. Both hold one static program and nothing else: no shell, no libraries.
#
#   docker build --target gateway -t ringway/gateway .
#   docker build --target worker -t ringway/worker .
#
# A service of one's own takes the place of ./cmd/appworker.
ARG GO_IMAGE=golang:1.26.8-bookworm

FROM ${GO_IMAGE} AS source
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .

FROM source AS build-worker
# What tells one build of the example worker from the next.
ARG WORKER_VERSION=1
RUN make static-worker LDFLAGS="-X main.version=${WORKER_VERSION}"

FROM scratch AS worker
COPY --from=build-worker /src/build/static/appworker /appworker
USER 65532:65532
ENTRYPOINT ["/appworker"]

FROM source AS build-gateway
RUN make static-gateway

FROM scratch AS gateway
COPY --from=build-gateway /src/build/static/gateway /gateway
USER 65532:65532
ENTRYPOINT ["/gateway"]
CMD ["serve", "--listen", "0.0.0.0:8080", "--socket", "/run/ringway/control.sock"]
